//! Compressed packets to packets: however the bytes are cut, the same comes out, no more than the
//! headers say, and what is compressed comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{CompressedDecoder, CompressedEncoder, InvalidPacket};
use otaria_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let piece = usize::from(input.byte()) + 1;
    let (level, threshold) = (u32::from(input.byte()), usize::from(input.byte()));
    let stream = input.rest();
    for new in [CompressedDecoder::new, CompressedDecoder::zstd] {
        let whole = inflated(new(), stream, usize::MAX);
        assert_eq!(whole, inflated(new(), stream, piece));
    }

    let mut compressed = Vec::new();
    CompressedEncoder::new(level, threshold).encode(stream, 0, &mut compressed);
    assert_eq!(
        inflated(CompressedDecoder::new(), &compressed, piece),
        (stream.to_vec(), None)
    );
});

fn inflated(
    mut decoder: CompressedDecoder,
    stream: &[u8],
    piece: usize,
) -> (Vec<u8>, Option<InvalidPacket>) {
    let mut out = Vec::new();
    for piece in stream.chunks(piece) {
        decoder.buffer_mut().extend_from_slice(piece);
        loop {
            let before = out.len();
            match decoder.poll_packet(&mut out) {
                Ok(true) => assert!(out.len() - before <= 0xff_ffff),
                Ok(false) => break,
                // What was inflated before the fault showed is of no use.
                Err(error) => {
                    out.truncate(before);
                    return (out, Some(error));
                }
            }
        }
    }
    (out, None)
}
