use otaria_codec::{InvalidPacket, PayloadReader, PayloadWriter};

use crate::AuthError;

/// The greatest length of all connection attributes together, on the wire. A server answers ERR
/// 1043, "Bad handshake", to more.
pub const MAX_ATTRIBUTES_BYTES: usize = 0xffff;

/// Checks that a server will accept `attributes`.
pub(crate) fn check(attributes: &[(String, String)]) -> Result<(), AuthError> {
    let bytes = encoded(attributes).len();
    if bytes > MAX_ATTRIBUTES_BYTES {
        return Err(AuthError::AttributesTooLong {
            bytes,
            limit: MAX_ATTRIBUTES_BYTES,
        });
    }
    Ok(())
}

pub(crate) fn encode(attributes: &[(String, String)], out: &mut PayloadWriter<'_>) {
    out.bytes_lenenc(&encoded(attributes));
}

/// Reads all attributes. Their number is bounded by the packet: each takes two bytes or more.
pub(crate) fn decode(
    packet: &'static str,
    reader: &mut PayloadReader<'_>,
) -> Result<Vec<(String, String)>, InvalidPacket> {
    let mut pairs = PayloadReader::new(packet, reader.bytes_lenenc()?);
    let mut attributes = Vec::new();
    while !pairs.is_empty() {
        let key = pairs.str_lenenc()?;
        let value = pairs.str_lenenc()?;
        attributes.push((key.to_owned(), value.to_owned()));
    }
    Ok(attributes)
}

fn encoded(attributes: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = PayloadWriter::new(&mut bytes);
    for (key, value) in attributes {
        out.bytes_lenenc(key.as_bytes());
        out.bytes_lenenc(value.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes_of(bytes: usize) -> Vec<(String, String)> {
        // One byte of length and one of key, three of length before the value.
        vec![("k".to_owned(), "v".repeat(bytes - 5))]
    }

    #[test]
    fn attributes_of_64_kib_less_one_are_accepted() {
        assert_eq!(check(&attributes_of(MAX_ATTRIBUTES_BYTES)), Ok(()));
    }

    #[test]
    fn attributes_of_64_kib_are_refused() {
        assert_eq!(
            check(&attributes_of(MAX_ATTRIBUTES_BYTES + 1)),
            Err(AuthError::AttributesTooLong {
                bytes: 65_536,
                limit: 65_535
            })
        );
    }

    #[test]
    fn a_key_without_a_value_is_an_error() {
        let mut reader = PayloadReader::new("test", b"\x02\x01k");
        assert!(matches!(
            decode("test", &mut reader),
            Err(InvalidPacket::Truncated { missing: 1, .. })
        ));
    }
}
