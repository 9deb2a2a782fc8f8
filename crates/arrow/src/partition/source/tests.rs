use proptest::prelude::*;

use super::*;

fn predicates(parts: &[Partition]) -> Vec<&str> {
    parts.iter().filter_map(Partition::predicate).collect()
}

fn cuts(values: &[i128]) -> KeyBoundaries {
    let cuts = values.iter().copied();
    let lowest = values.iter().min().map(|least| least - 1);
    KeyBoundaries::of_samples(lowest.into_iter().chain(cuts), values.len() + 1).unwrap()
}

#[test]
fn a_table_is_split_into_open_and_half_open_ranges() {
    let source = PartitionSource::table("t");
    let key = PartitionKey::new("k").with_nulls(NullKeys::Never);
    let parts = source.partition_by_key(&key, &cuts(&[-5, 5])).unwrap();
    assert_eq!(
        predicates(&parts),
        ["`k` < -5", "`k` >= -5 AND `k` < 5", "`k` >= 5"]
    );
    assert_eq!(
        parts[1].sql(),
        "SELECT * FROM `t` WHERE (`k` >= -5 AND `k` < 5)"
    );
    assert_eq!((parts[2].index(), parts[2].count()), (2, 3));
}

#[test]
fn rows_whose_key_is_null_are_in_the_first_part_or_in_their_own() {
    let source = PartitionSource::table("t");
    let parts = source
        .partition_by_key(&PartitionKey::new("k"), &cuts(&[5]))
        .unwrap();
    assert_eq!(predicates(&parts), ["`k` < 5 OR `k` IS NULL", "`k` >= 5"]);
    let key = PartitionKey::new("k").with_nulls(NullKeys::OwnPart);
    let parts = source.partition_by_key(&key, &cuts(&[5])).unwrap();
    assert_eq!(predicates(&parts), ["`k` < 5", "`k` >= 5", "`k` IS NULL"]);
}

#[test]
fn one_part_has_no_predicate_so_that_it_has_all_rows() {
    let source = PartitionSource::table("t").with_filter("x = 1");
    for nulls in [NullKeys::FirstPart, NullKeys::OwnPart, NullKeys::Never] {
        let key = PartitionKey::new("k").with_nulls(nulls);
        let parts = source
            .partition_by_key(&key, &KeyBoundaries::none())
            .unwrap();
        assert_eq!(parts, [source.whole().unwrap()]);
        assert_eq!(parts[0].sql(), "SELECT * FROM `t` WHERE (x = 1)");
    }
}

#[test]
fn names_are_quoted_exactly() {
    let source = PartitionSource::table("a`b.c")
        .in_database("d`")
        .with_columns(["x` FROM y; -- ", "ä"]);
    let key = PartitionKey::new("`").with_nulls(NullKeys::Never);
    let parts = source.partition_by_key(&key, &cuts(&[1])).unwrap();
    assert_eq!(
        parts[0].sql(),
        "SELECT `x`` FROM y; -- `, `ä` FROM `d```.`a``b.c` WHERE (```` < 1)"
    );
}

#[test]
fn comments_end_before_what_is_put_behind_them() {
    let source = PartitionSource::query("SELECT k FROM t -- all of it;\n ; ")
        .with_filter("k > 0 # positive");
    let key = PartitionKey::new("k").with_nulls(NullKeys::Never);
    let parts = source.partition_by_key(&key, &cuts(&[1])).unwrap();
    assert_eq!(
        parts[0].sql(),
        "SELECT * FROM (\nSELECT k FROM t -- all of it\n) AS `otaria_partition` \
         WHERE (k > 0 # positive\n) AND (`k` < 1)"
    );
}

#[test]
fn predicates_are_taken_as_they_are() {
    let source = PartitionSource::table("t");
    let parts = source
        .partition_by_predicates(["a = 1", "a = 2 -- two"])
        .unwrap();
    assert_eq!(parts[0].sql(), "SELECT * FROM `t` WHERE (a = 1)");
    assert_eq!(parts[1].sql(), "SELECT * FROM `t` WHERE (a = 2 -- two\n)");
}

#[test]
fn the_rest_has_the_rows_for_which_no_predicate_is_true() {
    let source = PartitionSource::table("t");
    let parts = source
        .partition_by_predicates_and_rest(["a = 1", "a = 2 # two"])
        .unwrap();
    assert_eq!(
        parts[2].predicate(),
        Some("((a = 1) OR (a = 2 # two\n)) IS NOT TRUE")
    );
    assert_eq!(parts[2].count(), 3);
}

#[test]
fn what_is_empty_or_too_long_is_refused() {
    let table = PartitionSource::table("t");
    let none: [&str; 0] = [];
    let empty = |what| PlanError::Empty { what };
    let refused = |parts: Result<Vec<Partition>, _>| parts.unwrap_err();
    assert_eq!(
        refused(table.partition_by_predicates(none)),
        empty("list of predicates")
    );
    assert_eq!(
        refused(table.partition_by_predicates_and_rest(none)),
        empty("list of predicates")
    );
    assert_eq!(
        refused(table.partition_by_predicates([" "])),
        empty("predicate")
    );
    let filtered = table.with_filter("").whole();
    assert_eq!(filtered, Err(empty("filter")));
    let query = PartitionSource::query(" ; ").whole();
    assert_eq!(query, Err(empty("query")));
    let long = PartitionSource::query(&"x".repeat((16 << 20) + 1)).whole();
    assert_eq!(long, Err(PlanError::TooLong { what: "query" }));
    let name = PartitionSource::table("").whole();
    assert_eq!(name, Err(PlanError::Name { what: "table" }));
}

#[test]
fn there_are_65_536_parts_and_one_for_null_at_most() {
    let source = PartitionSource::table("t");
    let all = KeyBoundaries::even(0, u64::MAX, usize::MAX).unwrap();
    let key = PartitionKey::new("k").with_nulls(NullKeys::OwnPart);
    let parts = source.partition_by_key(&key, &all).unwrap();
    assert_eq!(parts.len(), Partition::MAX_COUNT);
    let more = vec!["x"; Partition::MAX_COUNT + 1];
    assert_eq!(
        source.partition_by_predicates(more),
        Err(PlanError::TooManyParts)
    );
}

#[test]
fn sql_is_not_shown() {
    let source = PartitionSource::query("SELECT secret").with_filter("x = 'secret'");
    assert!(!format!("{source:?}").contains("secret"));
    let parts = source.partition_by_predicates(["y = 'secret'"]).unwrap();
    assert_eq!(format!("{parts:?}"), "[Partition(0 of 1)]");
}

/// What a server says of one of the planner's predicates, for a row with this key.
fn is_true(predicate: &str, key: Option<i128>) -> bool {
    let compare = |test: &str| {
        if test == "`k` IS NULL" {
            return key.is_none();
        }
        let Some(key) = key else { return false };
        let (operator, value) = test.strip_prefix("`k` ").unwrap().split_once(' ').unwrap();
        let value: i128 = value.parse().unwrap();
        match operator {
            "<" => key < value,
            ">=" => key >= value,
            _ => panic!("{operator}"),
        }
    };
    predicate
        .split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(compare))
}

fn keys() -> impl Strategy<Value = Vec<Option<i128>>> {
    let key = prop_oneof![
        Just(None),
        Just(Some(i64::MIN.into())),
        Just(Some(i64::MAX.into())),
        Just(Some(u64::MAX.into())),
        (-50_i128..50).prop_map(Some),
        any::<i64>().prop_map(|key| Some(key.into())),
        any::<u64>().prop_map(|key| Some(key.into())),
    ];
    proptest::collection::vec(key, 0..60)
}

fn check_each_row_is_in_one_part(keys: &[Option<i128>], boundaries: &KeyBoundaries, limit: usize) {
    for (nulls, more) in [(NullKeys::FirstPart, 0), (NullKeys::OwnPart, 1)] {
        let key = PartitionKey::new("k").with_nulls(nulls);
        let source = PartitionSource::table("t");
        let parts = source.partition_by_key(&key, boundaries).unwrap();
        assert!(parts.len() <= limit.max(1) + more);
        for key in keys {
            let has_it = |part: &&Partition| {
                part.predicate()
                    .is_none_or(|predicate| is_true(predicate, *key))
            };
            assert_eq!(parts.iter().filter(has_it).count(), 1);
        }
    }
}

proptest! {
    #[test]
    fn each_row_is_in_exactly_one_part_of_even_width(keys in keys(), parts in 0_usize..70) {
        let present = || keys.iter().flatten().copied();
        let boundaries = match (present().min(), present().max()) {
            (Some(first), Some(last)) => KeyBoundaries::even(first, last, parts).unwrap(),
            _ => KeyBoundaries::none(),
        };
        check_each_row_is_in_one_part(&keys, &boundaries, parts);
    }

    #[test]
    fn each_row_is_in_exactly_one_part_of_even_depth(keys in keys(), parts in 0_usize..70) {
        let samples = keys.iter().flatten().copied();
        let boundaries = KeyBoundaries::of_samples(samples, parts).unwrap();
        check_each_row_is_in_one_part(&keys, &boundaries, parts);
    }

    /// Rows come and go between the planning and the reading.
    #[test]
    fn each_row_is_in_exactly_one_part_of_other_keys(keys in keys(), others in keys()) {
        let samples = others.iter().flatten().copied();
        let boundaries = KeyBoundaries::of_samples(samples, 8).unwrap();
        check_each_row_is_in_one_part(&keys, &boundaries, 8);
    }
}
