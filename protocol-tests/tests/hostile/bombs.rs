//! Compressed packets that lie about what is in them, or hold far more than they weigh.

use allocation_counter::measure;
use otaria::{CloseReason, Connection, Error, InvalidPacket, TimeoutPhase};
use otaria_codec::{CompressedEncoder, ErrPacket, MAX_BODY_BYTES, PacketEncoder};
use otaria_text::ComPing;
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Action, Cut, Peer, Pipe};
use protocol_tests::script::{CAPABILITIES, Layers, Reply, Script};

use crate::calls::config;
use crate::exchange::{IO_TIMEOUT, in_time, paused_clock};

/// A server that logs a client in, and says these bytes to the first that comes behind that.
struct Bomb {
    script: Script,
    has_greeted: bool,
    bytes: Vec<u8>,
}

impl Peer for Bomb {
    fn greet(&mut self) -> Vec<Action> {
        Peer::greet(&mut self.script)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if std::mem::replace(&mut self.has_greeted, true) {
            return vec![Action::Send(std::mem::take(&mut self.bytes))];
        }
        self.script.receive(bytes)
    }
}

/// What becomes of a statement that is answered by `bytes`, and how many bytes were held for it
/// beside those themselves.
fn answered(bytes: Vec<u8>, max_payload_bytes: usize) -> (Result<(), Error>, u64) {
    let sent = bytes.len() as u64;
    let clock = paused_clock();
    let mut result = None;
    let used = measure(|| {
        result = Some(clock.block_on(async {
            let bomb = Bomb {
                script: Script::new(),
                has_greeted: false,
                bytes,
            };
            let config = config()
                .compression(Layers::Compression.config().compression())
                .max_payload_bytes(max_payload_bytes)
                .build()
                .unwrap();
            let pipe = Pipe::new(bomb, Cut::Whole);
            let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
            let result = in_time(IO_TIMEOUT, connection.simple_execute("DO 1")).await;
            if let Err(error) = &result {
                assert!(connection.close_reason().is_some(), "{}", chain(error));
                let again = connection.ping().await;
                assert!(matches!(again, Err(Error::Closed { .. })), "{again:?}");
            }
            result.map(drop)
        }));
    });
    (result.unwrap(), used.bytes_max.saturating_sub(sent))
}

/// `content` in compressed packets, the first of which claims to hold `claimed` bytes.
fn claiming(content: &[u8], claimed: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    CompressedEncoder::new(9, 0).encode(content, 1, &mut bytes);
    let [a, b, c, ..] = claimed.to_le_bytes();
    bytes[4..7].copy_from_slice(&[a, b, c]);
    bytes
}

#[track_caller]
fn is_refused(bytes: Vec<u8>) {
    let (result, held) = answered(bytes, MAX_PAYLOAD_BYTES);
    let error = result.unwrap_err();
    let field = "length of uncompressed payload";
    let refused = matches!(error, Error::InvalidPacket(InvalidPacket::Field { field: found, .. }) if found == field);
    assert!(refused, "{}", chain(&error));
    assert!(held < 1024 * 1024, "{held} bytes");
}

#[test]
fn a_kilobyte_that_claims_16_mib_is_an_error_and_allocates_little() {
    let content: Vec<u8> = (0..1024_u32)
        .flat_map(|number| (number * 7919).to_le_bytes())
        .collect();
    is_refused(claiming(&content, MAX_BODY_BYTES));
}

#[test]
fn what_inflates_to_more_than_it_claims_is_an_error_and_allocates_little() {
    is_refused(claiming(&vec![0; 10_000_000], 100));
}

#[test]
fn what_inflates_to_less_than_it_claims_is_an_error() {
    is_refused(claiming(&[0; 1000], 1001));
}

#[test]
fn a_compressed_stream_that_does_not_end_is_an_error() {
    let mut bytes = claiming(&[0; 1000], 1000);
    // Without its checksum.
    bytes.truncate(bytes.len() - 4);
    bytes[0] -= 4;
    is_refused(bytes);
    // Without anything.
    is_refused(vec![0, 0, 0, 1, 0xff, 0xff, 0xff]);
}

#[test]
fn what_is_no_compressed_stream_or_goes_on_behind_it_is_an_error() {
    is_refused(b"\x05\0\0\x01\x09\0\0hello".to_vec());
    let mut bytes = claiming(&[0; 1000], 1000);
    bytes.push(0);
    bytes[0] += 1;
    is_refused(bytes);
}

/// A row of zeros is 16 KiB of compressed bytes and 16 MiB of memory.
#[test]
fn a_decompression_bomb_is_an_error_at_max_payload_bytes_and_takes_one_compressed_packet() {
    let mut content = Reply::new().head(&["a"]).bytes();
    content.extend([0xfe, 0xff, 0xff, 4, 0xfd, 0xfa, 0xff, 0xff]);
    content.resize(2 * MAX_BODY_BYTES, 0);
    let mut bytes = Vec::new();
    CompressedEncoder::new(9, 0).encode(&content, 1, &mut bytes);
    assert!(bytes.len() < 40_000);
    let (result, held) = answered(bytes, MAX_PAYLOAD_BYTES);
    let expected = Error::InvalidPacket(InvalidPacket::PayloadTooLong {
        limit: MAX_PAYLOAD_BYTES,
    });
    assert_eq!(chain(&result.unwrap_err()), chain(&expected));
    assert!(held < 40 * 1024 * 1024, "{held} bytes");
}

/// Legal, and 190 MiB: only one compressed packet of it is in memory at a time.
#[test]
fn many_bombs_are_inflated_one_at_a_time() {
    let columns = Reply::new().head(&["a"]).bytes();
    let row = [
        &[0x60, 0xea, 0, 4, 0xfc, 0x5d, 0xea],
        vec![b'x'; 0xea5d].as_slice(),
    ]
    .concat();
    let mut bytes = Vec::new();
    let mut encoder = CompressedEncoder::new(9, 0);
    encoder.encode(&columns, 1, &mut bytes);
    let mut compressed = Vec::new();
    let rows = row.repeat(MAX_BODY_BYTES / row.len());
    encoder.encode(&rows, 2, &mut compressed);
    for _ in 0..12 {
        bytes.extend_from_slice(&compressed);
    }
    let (result, held) = answered(bytes, MAX_PAYLOAD_BYTES);
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
    assert!(held < 64 * 1024 * 1024, "{held} bytes");
}

#[test]
fn compressed_packets_without_content_are_no_answer() {
    let bytes = [0, 0, 0, 1, 0, 0, 0].repeat(10_000);
    let (result, held) = answered(bytes, MAX_PAYLOAD_BYTES);
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
    assert!(held < 1024 * 1024, "{held} bytes");
}

#[test]
fn bytes_that_are_not_compressed_where_they_have_to_be_are_an_error() {
    // Its header seems to begin seven bytes of content, of which only four come.
    let (result, _) = answered(Reply::ok().bytes(), MAX_PAYLOAD_BYTES);
    let error = result.unwrap_err();
    let response = TimeoutPhase::Read("response");
    let waits = matches!(error, Error::Timeout { phase, .. } if phase == response);
    assert!(waits, "{}", chain(&error));
    // The first packet and a part of the next seem to be two bytes that zlib has compressed.
    is_refused(Reply::rows(&["a"], [["1"]]).bytes());
}

#[test]
fn what_lies_behind_the_login_is_read_as_compressed() {
    // All that may come there are the last words of the server.
    let mut killed = PacketEncoder::new();
    let last_words = ErrPacket::new(1927, *b"70100", "Connection was killed");
    killed.packet(&last_words, CAPABILITIES);
    let in_clear = killed.take();
    let mut compressed = Vec::new();
    CompressedEncoder::new(9, 0).encode(&in_clear, 0, &mut compressed);
    let ended = CloseReason::EndedByServer { code: 1927 };
    // In clear they seem to begin a compressed packet, whose rest is waited for.
    for (bytes, expected) in [(compressed, ended), (in_clear, CloseReason::TimedOut)] {
        let clock = paused_clock();
        clock.block_on(async {
            let script = Script::new().login(Reply::ok().raw(&bytes));
            let script = script.on(&ComPing, Reply::ok());
            let config = config().compression(Layers::Compression.config().compression());
            let pipe = Layers::Compression.serve(script);
            let handle = pipe.handle();
            let connected = Connection::connect_over(pipe, &config.build().unwrap()).await;
            let mut connection = connected.unwrap();
            let sent = handle.received().len();
            let error = in_time(IO_TIMEOUT, connection.ping()).await.unwrap_err();
            let closed = matches!(error, Error::Closed { reason } if reason == expected);
            assert!(closed, "{}", chain(&error));
            assert_eq!(handle.received().len(), sent, "nothing is sent");
        });
    }
}

const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
