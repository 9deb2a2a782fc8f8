use proptest::prelude::*;

use super::*;

const SIGNED: (i64, i64) = (i64::MIN, i64::MAX);

#[test]
fn even_parts_are_of_the_same_width() {
    let cuts = KeyBoundaries::even(1, 300, 3).unwrap();
    assert_eq!(cuts.values(), [101, 201]);
    let cuts = KeyBoundaries::even(-2, 2, 2).unwrap();
    assert_eq!(cuts.values(), [0]);
}

#[test]
fn the_whole_of_bigint_is_split_without_overflow() {
    let cuts = KeyBoundaries::even(SIGNED.0, SIGNED.1, 2).unwrap();
    assert_eq!(cuts.values(), [0]);
    let cuts = KeyBoundaries::even(0, u64::MAX, 4).unwrap();
    assert_eq!(cuts.values(), [1 << 62, 1 << 63, 3 << 62]);
    let all = KeyBoundaries::even(SIGNED.0, u64::MAX, usize::MAX).unwrap();
    assert_eq!(all.parts(), 65_536);
}

#[test]
fn there_are_no_more_parts_than_keys() {
    assert_eq!(KeyBoundaries::even(7, 7, 9).unwrap().parts(), 1);
    assert_eq!(KeyBoundaries::even(7, 9, 9).unwrap().values(), [8, 9]);
    assert_eq!(KeyBoundaries::of_samples([5, 5, 5], 4).unwrap().parts(), 1);
}

#[test]
fn no_parts_are_one() {
    assert_eq!(KeyBoundaries::even(1, 9, 0).unwrap().parts(), 1);
    assert_eq!(KeyBoundaries::of_samples([1, 9], 0).unwrap().parts(), 1);
}

#[test]
fn without_samples_there_is_one_part() {
    let none: [i64; 0] = [];
    assert_eq!(KeyBoundaries::of_samples(none, 8).unwrap().parts(), 1);
}

#[test]
fn keys_in_the_wrong_order_or_beyond_bigint_are_refused() {
    assert_eq!(KeyBoundaries::even(2, 1, 2), Err(PlanError::Reversed));
    let beyond = i128::from(u64::MAX) + 1;
    assert_eq!(KeyBoundaries::even(0, beyond, 2), Err(PlanError::KeyRange));
    let below = i128::from(i64::MIN) - 1;
    assert_eq!(
        KeyBoundaries::of_samples([below, 0], 2),
        Err(PlanError::KeyRange)
    );
}

#[test]
fn boundaries_do_not_show_keys() {
    let cuts = KeyBoundaries::even(0, 123_456, 2).unwrap();
    assert_eq!(format!("{cuts:?}"), "KeyBoundaries(2 parts)");
}

#[test]
fn skewed_samples_make_parts_of_the_same_depth() {
    let samples = (0..90_i64).chain((0..10).map(|key| key * 1_000_000_000));
    let cuts = KeyBoundaries::of_samples(samples, 4).unwrap();
    assert_eq!(cuts.values(), [24, 49, 74]);
}

/// How many of the keys are in each part.
fn depths(keys: &[i128], cuts: &KeyBoundaries) -> Vec<usize> {
    let mut depths = vec![0; cuts.parts()];
    for key in keys {
        depths[cuts.values().partition_point(|cut| cut <= key)] += 1;
    }
    depths
}

fn most_frequent(keys: &[i128]) -> usize {
    let count = |key| keys.iter().filter(|other| *other == key).count();
    keys.iter().map(count).max().unwrap_or_default()
}

proptest! {
    #[test]
    fn cuts_ascend_and_part_something(
        a in any::<i64>(), b in any::<u64>(), parts in 0_usize..300,
    ) {
        let (first, last) = (i128::from(a).min(b.into()), i128::from(a).max(b.into()));
        let cuts = KeyBoundaries::even(first, last, parts).unwrap();
        prop_assert!(cuts.parts() <= parts.max(1));
        prop_assert!(cuts.values().is_sorted_by(|a, b| a < b));
        prop_assert!(cuts.values().iter().all(|cut| *cut > first && *cut <= last));
        let ends = [&[first][..], cuts.values(), &[last + 1]].concat();
        let widths: Vec<i128> = ends.windows(2).map(|ends| ends[1] - ends[0]).collect();
        let (least, most) = (widths.iter().min().unwrap(), widths.iter().max().unwrap());
        prop_assert!(most - least <= 1);
    }

    #[test]
    fn no_part_has_more_samples_than_is_said(
        keys in proptest::collection::vec(-20_i128..200, 1..300), parts in 1_usize..40,
    ) {
        let cuts = KeyBoundaries::of_samples(keys.iter().copied(), parts).unwrap();
        prop_assert!(cuts.parts() <= parts);
        let depths = depths(&keys, &cuts);
        let limit = keys.len().div_ceil(parts) + most_frequent(&keys) - 1;
        prop_assert!(depths.iter().all(|depth| *depth <= limit), "{depths:?} over {limit}");
        prop_assert!(depths.iter().all(|depth| *depth > 0), "an empty part in {depths:?}");
    }

    #[test]
    fn weights_of_any_size_are_parted(
        rows in proptest::collection::vec(any::<u64>(), 1..50), parts in any::<u16>(),
    ) {
        let width = ((1_i128 << 64) - 1) / 50;
        let ranges = rows.iter().zip(0_i128..).map(|(rows, index)| WeightedRange {
            first: index * width,
            last: (index + 1) * width - 1,
            rows: *rows,
        });
        let ranges: Vec<WeightedRange> = ranges.collect();
        let cuts = KeyBoundaries::of_weights(&ranges, parts.into());
        prop_assert!(cuts.parts() <= usize::from(parts).max(1));
        prop_assert!(cuts.values().is_sorted_by(|a, b| a < b));
    }
}
