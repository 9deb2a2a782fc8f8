use std::fmt::Debug;

use crate::{Capabilities, Decode, Encode, PayloadWriter};

/// The payload of a packet.
pub(crate) fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut out));
    out
}

/// Decodes `payload` and checks that encoding gives the same bytes again.
pub(crate) fn round_trip<'a, P>(payload: &'a [u8], capabilities: Capabilities) -> P
where
    P: Decode<'a> + Encode + Debug,
{
    let packet = P::decode(payload, capabilities).unwrap();
    assert_eq!(encoded(&packet, capabilities), payload, "{packet:?}");
    packet
}

/// Checks that no proper prefix of `payload` decodes, and that none panics.
pub(crate) fn every_prefix_is_refused<'a, P>(payload: &'a [u8], capabilities: Capabilities)
where
    P: Decode<'a> + Debug,
{
    for end in 0..payload.len() {
        let result = P::decode(&payload[..end], capabilities);
        assert!(result.is_err(), "{end} bytes decoded as {result:?}");
    }
}

/// Decodes every prefix of `payload`; some are whole packets, none may panic.
pub(crate) fn never_panics_on_a_prefix<'a, P>(payload: &'a [u8], capabilities: Capabilities)
where
    P: Decode<'a> + Debug,
{
    let decoded = (0..payload.len())
        .filter(|&end| P::decode(&payload[..end], capabilities).is_ok())
        .count();
    assert!(decoded < payload.len(), "the empty packet decoded");
}
