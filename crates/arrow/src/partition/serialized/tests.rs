use proptest::prelude::*;

use super::*;
use crate::partition::PartitionSource;

fn whole() -> Partition {
    PartitionSource::table("t").whole().unwrap()
}

fn full() -> Partition {
    let source = PartitionSource::table("t").with_filter("x");
    let parts = source.partition_by_predicates(["a", "b"]).unwrap();
    let columns = [otaria_codec::ColumnDefinition::new(
        "a",
        otaria_codec::FieldType::Long,
    )];
    parts[1].clone().with_columns(&columns)
}

/// Other versions read them.
#[test]
fn the_bytes_of_a_partition_are_those_of_version_1() {
    let mut bytes = b"OTRP\x01\0\0\0\0\0\x01\0\0\0\x11\0\0\0".to_vec();
    bytes.extend_from_slice(b"SELECT * FROM `t`");
    assert_eq!(whole().to_bytes(), bytes);
}

#[test]
fn a_partition_comes_back_from_its_bytes() {
    for partition in [whole(), full()] {
        let back = Partition::from_bytes(&partition.to_bytes()).unwrap();
        assert_eq!(back, partition);
        assert_eq!(back.sql(), partition.sql());
    }
}

#[test]
fn every_prefix_of_the_bytes_is_refused() {
    let bytes = full().to_bytes();
    for end in 0..bytes.len() {
        let refused = Partition::from_bytes(&bytes[..end]).unwrap_err();
        if end < 4 {
            assert_eq!(refused, InvalidPartition::NotAPartition);
        } else {
            assert!(
                matches!(refused, InvalidPartition::Truncated { .. }),
                "{end}"
            );
        }
    }
}

/// The bytes of [`whole`] with others at this place.
fn with(place: usize, bytes: &[u8]) -> Result<Partition, InvalidPartition> {
    let mut all = whole().to_bytes();
    all[place..place + bytes.len()].copy_from_slice(bytes);
    Partition::from_bytes(&all)
}

#[test]
fn other_versions_and_unknown_flags_are_refused() {
    assert_eq!(
        with(4, &[2]),
        Err(InvalidPartition::UnknownVersion { found: 2, known: 1 })
    );
    assert_eq!(
        with(5, &[0x88]),
        Err(InvalidPartition::UnknownFlags { found: 0x88 })
    );
}

#[test]
fn a_place_that_is_none_is_refused() {
    assert_eq!(
        with(6, &[1]),
        Err(InvalidPartition::Index { index: 1, count: 1 })
    );
    assert_eq!(
        with(10, &[0]),
        Err(InvalidPartition::Index { index: 0, count: 0 })
    );
    let count = u32::try_from(Partition::MAX_COUNT).unwrap() + 1;
    assert_eq!(
        with(10, &count.to_le_bytes()),
        Err(InvalidPartition::Index { index: 0, count })
    );
}

#[test]
fn sql_that_cannot_be_any_is_refused() {
    let field = "SELECT";
    let found = u32::MAX;
    let limit = 16 << 20;
    assert_eq!(
        with(14, &[0xff; 4]),
        Err(InvalidPartition::TooLong {
            field,
            found,
            limit
        })
    );
    assert_eq!(with(18, &[0xff]), Err(InvalidPartition::NotUtf8 { field }));
    assert_eq!(
        with(18, &[b' '; 17]),
        Err(InvalidPartition::Empty { field })
    );
    let bytes = [&whole().to_bytes()[..], b"x"].concat();
    assert_eq!(
        Partition::from_bytes(&bytes),
        Err(InvalidPartition::TrailingData { bytes: 1 })
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_partition_or_refused(bytes in any::<Vec<u8>>(), flags in 0_u8..8) {
        let bytes = [&b"OTRP\x01"[..], &[flags], &bytes].concat();
        if let Ok(partition) = Partition::from_bytes(&bytes) {
            prop_assert_eq!(partition.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_sql_comes_back(sql in "\\PC{1,60}", filter in "\\PC{1,60}", predicate in "\\PC{1,60}") {
        let source = PartitionSource::query(&sql).with_filter(&filter);
        if let Ok(parts) = source.partition_by_predicates([predicate.as_str(); 3]) {
            for part in parts {
                prop_assert_eq!(Partition::from_bytes(&part.to_bytes()), Ok(part));
            }
        }
    }
}
