use crate::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [Column count
/// packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/result-set-packets#column-count-packet):
/// the first packet of a result set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ColumnCount {
    /// How many columns each row has; never 0.
    pub columns: u16,
    /// Whether the column definitions follow. They are left out only where
    /// `MARIADB_CLIENT_CACHE_METADATA` was negotiated and the client has them already.
    pub metadata_follows: bool,
}

impl Decode<'_> for ColumnCount {
    fn decode(payload: &[u8], capabilities: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("column count packet", payload);
        let count = reader.int_lenenc()?;
        let columns = match u16::try_from(count) {
            Ok(columns) if columns > 0 => columns,
            _ => return Err(reader.invalid_field("column count", count)),
        };
        let metadata_follows = if capabilities.contains(Capabilities::MARIADB_CLIENT_CACHE_METADATA)
        {
            match reader.int1()? {
                0 => false,
                1 => true,
                other => return Err(reader.invalid_field("metadata follows", u64::from(other))),
            }
        } else {
            true
        };
        reader.finish()?;
        Ok(Self {
            columns,
            metadata_follows,
        })
    }
}

impl Encode for ColumnCount {
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int_lenenc(u64::from(self.columns));
        if capabilities.contains(Capabilities::MARIADB_CLIENT_CACHE_METADATA) {
            out.int1(u8::from(self.metadata_follows));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{every_prefix_is_refused, round_trip};

    const CACHE: Capabilities = Capabilities::MARIADB_CLIENT_CACHE_METADATA;

    #[test]
    fn a_column_count_packet_comes_back() {
        let plain = round_trip::<ColumnCount>(&[0xfc, 0x00, 0x10], Capabilities::empty());
        assert_eq!(
            plain,
            ColumnCount {
                columns: 4096,
                metadata_follows: true
            }
        );
        let skipped = round_trip::<ColumnCount>(&[0x02, 0x00], CACHE);
        assert_eq!(
            skipped,
            ColumnCount {
                columns: 2,
                metadata_follows: false
            }
        );
        every_prefix_is_refused::<ColumnCount>(&[0x02, 0x01], CACHE);
    }

    #[test]
    fn column_count_2_63_is_an_error() {
        let payload = [0xfe, 0, 0, 0, 0, 0, 0, 0, 0x80];
        let error = ColumnCount::decode(&payload, Capabilities::empty()).unwrap_err();
        let (packet, field) = ("column count packet", "column count");
        assert_eq!(
            error,
            InvalidPacket::Field {
                packet,
                field,
                value: 1 << 63
            }
        );
    }

    #[test]
    fn a_metadata_flag_other_than_0_or_1_is_an_error() {
        assert!(ColumnCount::decode(&[2, 2], CACHE).is_err());
    }
}
