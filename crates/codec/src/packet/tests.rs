use super::*;

const LIMIT: usize = 64 * 1024 * 1024;

fn packets(payloads: &[&[u8]]) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    for payload in payloads {
        encoder.payload(|out| out.bytes(payload));
    }
    encoder.take()
}

/// Feeds `bytes` in chunks of `chunk` and returns the payloads that come out.
fn payloads(bytes: &[u8], chunk: usize) -> Result<Vec<Vec<u8>>, InvalidPacket> {
    let mut decoder = PacketDecoder::new(LIMIT);
    let mut payloads = Vec::new();
    for chunk in bytes.chunks(chunk) {
        decoder.buffer_mut().extend_from_slice(chunk);
        while let Some(packet) = decoder.poll_packet()? {
            payloads.push(decoder.payload(packet).to_vec());
        }
    }
    assert_eq!(decoder.unread(), 0);
    Ok(payloads)
}

/// Bytes that differ from their neighbours and from the byte 4 places on.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect()
}

#[test]
fn packets_come_back_however_they_are_cut() {
    let sent: [&[u8]; 4] = [b"", b"a", b"select 1", &[0xfe; 300]];
    let bytes = packets(&sent);
    for chunk in 1..=bytes.len() {
        assert_eq!(payloads(&bytes, chunk).unwrap(), sent, "chunks of {chunk}");
    }
}

#[test]
fn payload_of_exactly_0xffffff_and_its_neighbours_is_split_and_joined() {
    for length in [
        MAX_BODY_BYTES - 1,
        MAX_BODY_BYTES,
        MAX_BODY_BYTES + 1,
        2 * MAX_BODY_BYTES,
        40_000_000,
    ] {
        let payload = pattern(length);
        let bytes = packets(&[&payload, b"next"]);
        let expected_packets = length / MAX_BODY_BYTES + 1;
        assert_eq!(bytes.len(), length + expected_packets * 4 + 8);
        for chunk in [bytes.len(), 1_000_003, 65_536] {
            let received = payloads(&bytes, chunk).unwrap();
            assert_eq!(received.len(), 2);
            assert!(
                received[0] == payload,
                "{length} bytes in chunks of {chunk}"
            );
            assert_eq!(received[1], b"next");
        }
    }
}

#[test]
fn a_payload_of_exactly_0xffffff_is_followed_by_an_empty_packet() {
    let bytes = packets(&[&pattern(MAX_BODY_BYTES)]);
    assert_eq!(bytes[..4], [0xff, 0xff, 0xff, 0]);
    assert_eq!(bytes[bytes.len() - 4..], [0, 0, 0, 1]);
}

#[test]
fn sequence_numbers_wrap() {
    let many = vec![b"x".as_slice(); 600];
    assert_eq!(payloads(&packets(&many), 77).unwrap().len(), 600);
}

#[test]
fn a_wrong_sequence_number_is_an_error() {
    let mut bytes = packets(&[b"one", b"two"]);
    bytes[10] = 9;
    assert_eq!(
        payloads(&bytes, 100),
        Err(InvalidPacket::SequenceNumber {
            expected: 1,
            found: 9
        })
    );
}

#[test]
fn an_err_with_sequence_number_0_is_read_as_an_err_however_it_is_cut() {
    let mut bytes = packets(&[b"one", b"\xff\x87\x07#70100Connection was killed"]);
    bytes[10] = 0;
    for chunk in 1..bytes.len() {
        assert_eq!(
            payloads(&bytes, chunk).unwrap().len(),
            2,
            "chunks of {chunk}"
        );
    }
}

#[test]
fn an_empty_packet_with_a_wrong_sequence_number_is_an_error() {
    assert!(payloads(&[0, 0, 0, 5], 4).is_err());
}

#[test]
fn a_payload_longer_than_the_limit_is_an_error_before_it_is_received() {
    let mut decoder = PacketDecoder::new(1000);
    decoder.buffer_mut().extend_from_slice(&[0xe9, 0x03, 0, 0]);
    assert_eq!(
        decoder.poll_packet(),
        Err(InvalidPacket::PayloadTooLong { limit: 1000 })
    );
}

#[test]
fn the_limit_holds_for_joined_payloads_too() {
    let bytes = packets(&[&pattern(MAX_BODY_BYTES + 10)]);
    let mut decoder = PacketDecoder::new(MAX_BODY_BYTES + 9);
    decoder.buffer_mut().extend_from_slice(&bytes);
    assert!(matches!(
        decoder.poll_packet(),
        Err(InvalidPacket::PayloadTooLong { .. })
    ));
}

#[test]
fn a_header_that_claims_16_mib_allocates_nothing_for_it() {
    let mut decoder = PacketDecoder::new(LIMIT);
    decoder
        .buffer_mut()
        .extend_from_slice(&[0xff, 0xff, 0xff, 0]);
    assert_eq!(decoder.poll_packet(), Ok(None));
    assert!(decoder.buffer_mut().capacity() <= 64 * 1024);
}

#[test]
fn the_buffer_grows_with_what_arrives_and_shrinks_when_idle() {
    let mut decoder = PacketDecoder::new(LIMIT);
    assert_eq!(decoder.buffer_mut().capacity(), INITIAL_BUFFER_BYTES);
    let bytes = packets(&[&pattern(5_000_000)]);
    let mut sent = 0;
    while sent < bytes.len() {
        let buffer = decoder.buffer_mut();
        let room = buffer.capacity() - buffer.len();
        assert!(room > 0);
        let end = bytes.len().min(sent + room);
        buffer.extend_from_slice(&bytes[sent..end]);
        sent = end;
        assert!(decoder.buffer.capacity() <= 3 * sent + 64 * 1024);
        if sent < bytes.len() {
            assert_eq!(decoder.poll_packet(), Ok(None));
        }
    }
    assert!(decoder.poll_packet().unwrap().is_some());
    decoder.shrink();
    assert_eq!(decoder.buffer.capacity(), INITIAL_BUFFER_BYTES);
}

#[test]
fn a_buffer_that_a_read_filled_has_room_for_the_next_read() {
    let mut decoder = PacketDecoder::new(LIMIT);
    let bytes = packets(&[&pattern(10_000), &pattern(10_000), &pattern(10_000)]);
    decoder.buffer_mut().extend_from_slice(&bytes[..16 * 1024]);
    assert!(decoder.poll_packet().unwrap().is_some());
    let buffer = decoder.buffer_mut();
    assert!(
        buffer.capacity() - buffer.len() >= 3_600,
        "the rest of the second packet"
    );
}

/// The payloads that are taken one by one and those behind each that are taken as whole packets,
/// where the first byte is not `0xfe`.
fn payloads_by_whole_packets(bytes: &[u8], chunk: usize) -> (Vec<Vec<u8>>, usize) {
    let mut decoder = PacketDecoder::new(LIMIT);
    let mut payloads = Vec::new();
    let mut whole = 0;
    for chunk in bytes.chunks(chunk) {
        decoder.buffer_mut().extend_from_slice(chunk);
        while let Some(packet) = decoder.poll_packet().unwrap() {
            let (payload, mut packets) = decoder.payload_and_whole_packets(packet);
            payloads.push(payload.to_vec());
            while let Some(payload) = packets.next_if(|first| first != 0xfe) {
                payloads.push(payload.to_vec());
                whole += 1;
            }
        }
    }
    assert_eq!(decoder.unread(), 0);
    (payloads, whole)
}

#[test]
fn whole_packets_are_those_that_would_have_come_one_by_one() {
    let long = pattern(MAX_BODY_BYTES);
    let sent: [&[u8]; 8] = [b"a", b"b", b"", &long, b"c", b"\xfe", b"d", b"e"];
    let bytes = packets(&sent);
    for chunk in [1_000, 65_536, 1_000_003, bytes.len()] {
        let (received, whole) = payloads_by_whole_packets(&bytes, chunk);
        assert!(received == sent, "chunks of {chunk}");
        assert!(whole > 0, "chunks of {chunk}");
    }
    let (received, whole) = payloads_by_whole_packets(&bytes, bytes.len());
    assert!(received == sent);
    // Not the first, the empty one, the one that is split, and that with 0xfe.
    assert_eq!(whole, 4);
}

#[test]
fn a_whole_packet_out_of_sequence_or_over_the_limit_is_left_to_be_refused() {
    let mut decoder = PacketDecoder::new(3);
    decoder
        .buffer_mut()
        .extend_from_slice(b"\x01\0\0\0a\x01\0\0\x07b");
    let first = decoder.poll_packet().unwrap().unwrap();
    let (_, mut packets) = decoder.payload_and_whole_packets(first);
    assert_eq!(packets.next_if(|_| true), None);
    let error = decoder.poll_packet().unwrap_err();
    assert!(matches!(error, InvalidPacket::SequenceNumber { .. }));

    let mut decoder = PacketDecoder::new(3);
    decoder
        .buffer_mut()
        .extend_from_slice(b"\x01\0\0\0a\x04\0\0\x01bcde");
    let first = decoder.poll_packet().unwrap().unwrap();
    let (_, mut packets) = decoder.payload_and_whole_packets(first);
    assert_eq!(packets.next_if(|_| true), None);
    let error = decoder.poll_packet().unwrap_err();
    assert_eq!(error, InvalidPacket::PayloadTooLong { limit: 3 });
}

#[test]
fn packets_are_peeked_at_together_when_just_so_many_have_been_received() {
    let sent: [&[u8]; 3] = [b"a", b"", b"def"];
    let bytes = packets(&[b"before", b"a", b"", b"def", b"behind"]);
    for end in 10..=bytes.len() {
        let mut decoder = PacketDecoder::new(LIMIT);
        decoder.buffer_mut().extend_from_slice(&bytes[..end]);
        assert!(decoder.poll_packet().unwrap().is_some());
        let Some(peeked) = decoder.peek_all::<3>() else {
            assert_ne!(end, 26);
            continue;
        };
        assert_eq!(end, 26);
        for ((start, payload), sent) in peeked.into_iter().zip(sent) {
            assert_eq!(payload, sent);
            assert_eq!(decoder.payload(start..start + payload.len()), sent);
        }
        decoder.take_all();
        assert_eq!(decoder.unread(), 0);
        decoder.set_sequence_number(1);
        decoder.buffer_mut().extend_from_slice(b"\x01\0\0\x01x");
        let next = decoder.poll_packet().unwrap().unwrap();
        assert_eq!(decoder.payload(next), b"x");
    }
}

#[test]
fn packets_of_which_one_is_unusual_are_not_peeked_at_together() {
    let bytes = packets(&[b"a", b"bcd"]);
    let mut out_of_sequence = bytes.clone();
    out_of_sequence[8] = 7;
    for (limit, bytes) in [(LIMIT, out_of_sequence), (2, bytes.clone())] {
        let mut decoder = PacketDecoder::new(limit);
        decoder.buffer_mut().extend_from_slice(&bytes);
        assert_eq!(decoder.peek_all::<2>(), None);
        let first = decoder.poll_packet().unwrap().unwrap();
        assert_eq!(decoder.payload(first), b"a");
        assert!(decoder.poll_packet().is_err());
    }
    let mut decoder = PacketDecoder::new(LIMIT);
    decoder.buffer_mut().extend_from_slice(&bytes);
    assert!(decoder.peek_all::<2>().is_some());
}

#[test]
fn the_end_of_a_payload_that_was_split_is_no_packet_of_its_own() {
    let payload = pattern(MAX_BODY_BYTES + 3);
    let bytes = packets(&[&payload]);
    let mut decoder = PacketDecoder::new(LIMIT);
    let (first, rest) = bytes.split_at(MAX_BODY_BYTES + 4);
    decoder.buffer_mut().extend_from_slice(first);
    assert_eq!(decoder.peek_whole(), None);
    assert_eq!(decoder.poll_packet(), Ok(None));
    decoder.buffer_mut().extend_from_slice(rest);
    assert_eq!(decoder.peek_whole(), None);
    assert_eq!(decoder.peek_all::<1>(), None);
    let whole = decoder.poll_packet().unwrap().unwrap();
    assert!(decoder.payload(whole) == payload);
}
