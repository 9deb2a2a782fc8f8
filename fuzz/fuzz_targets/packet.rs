//! Bytes to payloads: however the bytes are cut, the payloads are the same, and they encode to
//! the same bytes.
//!
//! Payloads of 16 MiB, which are split, are left to the codec's own tests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{InvalidPacket, PacketDecoder, PacketEncoder};
use otaria_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let limit = 1 << (input.byte() % 16);
    let first = input.byte();
    let cuts = input.bytes();
    let stream = input.rest();
    let whole = Decoded::of(std::iter::once(stream), limit, first);
    assert_eq!(whole, Decoded::of(pieces(stream, cuts), limit, first));
    whole.encodes_to(stream, first);
    payloads_come_back(&input.payloads().collect::<Vec<_>>(), first);
});

#[derive(Debug, Eq, PartialEq)]
struct Decoded {
    payloads: Vec<Vec<u8>>,
    error: Option<InvalidPacket>,
    out_of_sequence: bool,
    unread: usize,
}

impl Decoded {
    fn of<'a>(pieces: impl Iterator<Item = &'a [u8]>, limit: usize, first: u8) -> Self {
        let mut decoder = PacketDecoder::new(limit);
        decoder.set_sequence_number(first);
        let mut decoded = Self {
            payloads: Vec::new(),
            error: None,
            out_of_sequence: false,
            unread: 0,
        };
        let mut received = 0;
        for piece in pieces {
            let buffer = decoder.buffer_mut();
            assert!(buffer.capacity() <= 2 * received + BUFFER_BYTES);
            buffer.extend_from_slice(piece);
            received += piece.len();
            // After an error the rest is only counted.
            while decoded.error.is_none() {
                match decoder.poll_packet() {
                    Ok(Some(packet)) => decoded.payloads.push(decoder.payload(packet).to_vec()),
                    Ok(None) => break,
                    Err(error) => decoded.error = Some(error),
                }
            }
        }
        decoded.out_of_sequence = decoder.out_of_sequence().is_some();
        decoded.unread = decoder.unread();
        decoded
    }

    fn encodes_to(&self, stream: &[u8], first: u8) {
        let read = &stream[..stream.len() - self.unread];
        let bytes: usize = self.payloads.iter().map(|payload| 4 + payload.len()).sum();
        assert_eq!(bytes, read.len());
        if !self.out_of_sequence {
            assert_eq!(encode(&self.payloads, first), read);
        }
    }
}

fn payloads_come_back(payloads: &[&[u8]], first: u8) {
    let stream = encode(payloads, first);
    let decoded = Decoded::of(std::iter::once(&*stream), usize::from(u16::MAX), first);
    assert_eq!((decoded.error, decoded.unread), (None, 0));
    assert_eq!(decoded.payloads, payloads);
}

fn encode(payloads: &[impl AsRef<[u8]>], first: u8) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(first);
    for payload in payloads {
        encoder.payload(|out| out.bytes(payload.as_ref()));
    }
    encoder.take()
}

/// `stream` in pieces as long as `cuts` say, over and over.
fn pieces<'a>(mut stream: &'a [u8], cuts: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let cuts = if cuts.is_empty() { &[0] } else { cuts };
    let mut cuts = cuts.iter().cycle();
    std::iter::from_fn(move || {
        let length = usize::from(*cuts.next()?) + 1;
        let (piece, rest) = stream.split_at_checked(length).unwrap_or((stream, &[]));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What a decoder may have in memory before anything has come.
const BUFFER_BYTES: usize = 128 * 1024;
