use otaria_codec::{ColumnDefinition, FieldFlags};

/// A hash of what columns are: their names, types, lengths, decimals, signs, and whether they are
/// binary data. It is the same on each computer, for each collation of a connection. Whether they
/// may be NULL is not among it, since that may differ from part to part: of an outer join, a
/// condition on a column makes it NOT NULL.
///
/// It tells apart what a table was and what it has become, not what somebody made to look the same.
pub fn columns_hash(columns: &[ColumnDefinition]) -> u64 {
    let mut hash = Fnv::new();
    for column in columns {
        hash.field(column.name().as_bytes());
        hash.field(&[u8::from(column.field_type()), column.decimals()]);
        hash.field(&column.column_length().to_le_bytes());
        hash.field(&(column.flags() & WHAT_A_COLUMN_IS).bits().to_le_bytes());
        hash.field(&[u8::from(column.is_binary())]);
        hash.field(column.type_name().unwrap_or_default().as_bytes());
        hash.field(column.format_name().unwrap_or_default().as_bytes());
    }
    hash.0
}

/// The flags that depend neither on the keys of a table nor on a condition.
const WHAT_A_COLUMN_IS: FieldFlags = FieldFlags::UNSIGNED
    .union(FieldFlags::ENUM)
    .union(FieldFlags::SET);

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Bytes behind their length, so that no two rows of fields are the same bytes.
    fn field(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or_default();
        for byte in length.to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use otaria_codec::FieldType;

    use super::*;

    fn column(name: &str) -> ColumnDefinition {
        ColumnDefinition::new(name, FieldType::NewDecimal).with_length(12, 2)
    }

    #[test]
    fn what_changes_the_values_of_a_column_changes_its_hash() {
        let hash = |column: ColumnDefinition| columns_hash(&[column]);
        let others = [
            hash(column("b")),
            hash(ColumnDefinition::new("a", FieldType::Long).with_length(12, 2)),
            hash(column("a").with_length(13, 2)),
            hash(column("a").with_length(12, 3)),
            hash(column("a").with_flags(FieldFlags::UNSIGNED)),
            hash(column("a").with_extended_metadata("uuid", "")),
            hash(column("a").with_extended_metadata("", "uuid")),
            columns_hash(&[column("a"), column("a")]),
            columns_hash(&[]),
        ];
        for other in others {
            assert_ne!(other, hash(column("a")));
        }
        assert_ne!(
            columns_hash(&[column("ab"), column("c")]),
            columns_hash(&[column("a"), column("bc")])
        );
    }

    #[test]
    fn keys_nullability_and_collations_do_not_change_the_hash() {
        let text = ColumnDefinition::new("a", FieldType::VarString);
        let with_key = text
            .clone()
            .with_flags(FieldFlags::PRIMARY_KEY | FieldFlags::NOT_NULL);
        let hash = columns_hash(&[text.clone().with_collation(45)]);
        assert_eq!(hash, columns_hash(&[with_key.with_collation(224)]));
        assert_ne!(hash, columns_hash(&[text.with_collation(63)]));
    }

    /// Partitions are kept and sent elsewhere: it must not change from one version to the next.
    #[test]
    fn the_hash_is_the_same_in_each_process() {
        assert_eq!(columns_hash(&[]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(columns_hash(&[column("a")]), 0x2828_cb87_7620_b671);
    }
}
