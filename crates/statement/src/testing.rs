use std::fmt::Debug;

use otaria_codec::{Capabilities, Decode, Encode, PayloadWriter};

/// The payload of a packet.
pub(crate) fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut out));
    out
}

/// Decodes `payload` and checks that encoding gives the same bytes again.
pub(crate) fn round_trip<'a, P>(payload: &'a [u8]) -> P
where
    P: Decode<'a> + Encode + Debug,
{
    let packet = P::decode(payload, Capabilities::empty()).unwrap();
    assert_eq!(
        encoded(&packet, Capabilities::empty()),
        payload,
        "{packet:?}"
    );
    packet
}

/// Checks that no prefix of `payload` decodes that is shorter than `whole`, that the longer ones
/// do, and that none panics.
pub(crate) fn prefixes_decode_from<'a, P>(payload: &'a [u8], whole: usize)
where
    P: Decode<'a> + Debug,
{
    for end in 0..=payload.len() {
        let result = P::decode(&payload[..end], Capabilities::empty());
        assert_eq!(result.is_ok(), end >= whole, "{end} bytes: {result:?}");
    }
}
