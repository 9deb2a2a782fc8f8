use proptest::prelude::*;

use super::*;

/// What an index that counts exactly leads to, for sorted keys, and how many estimates it took.
fn search(keys: &[i128], parts: usize) -> (KeyBoundaries, usize) {
    let (first, last) = (*keys.first().unwrap(), *keys.last().unwrap());
    let mut search = DensitySearch::new(first, last, parts).unwrap();
    let mut asked = 0;
    while search.ranges().next().is_some() {
        let estimates: Vec<u64> = search.ranges().map(|range| rows(keys, &range)).collect();
        asked += estimates.len();
        search.refine(estimates);
    }
    assert_eq!(search.rows(), u64::try_from(keys.len()).unwrap());
    (search.boundaries(), asked)
}

fn rows(keys: &[i128], range: &RangeInclusive<i128>) -> u64 {
    let until = |key: i128| keys.partition_point(|other| *other < key);
    u64::try_from(until(range.end() + 1) - until(*range.start())).unwrap()
}

fn depths(keys: &[i128], cuts: &KeyBoundaries) -> Vec<usize> {
    let mut depths = vec![0; cuts.parts()];
    for key in keys {
        depths[cuts.values().partition_point(|cut| cut <= key)] += 1;
    }
    depths
}

#[test]
fn nine_tenths_of_the_rows_in_a_millionth_of_the_range_are_split_evenly() {
    let dense = 1..=90_000_i128;
    let sparse = (1..=10_000_i128).map(|key| key * 10_000_000_000);
    let mut keys: Vec<i128> = dense.chain(sparse).collect();
    keys.sort_unstable();
    let (cuts, asked) = search(&keys, 8);
    let depths = depths(&keys, &cuts);
    assert_eq!(depths.len(), 8);
    assert!(
        depths.iter().all(|depth| (11_000..14_000).contains(depth)),
        "{depths:?}"
    );
    assert!(asked < 1_000, "{asked}");
}

#[test]
fn evenly_dense_keys_are_asked_about_once() {
    let keys: Vec<i128> = (1..=100_000).collect();
    let (cuts, asked) = search(&keys, 4);
    assert_eq!(asked, 16);
    assert_eq!(cuts.values(), [25_001, 50_001, 75_001]);
}

#[test]
fn the_whole_range_of_both_bigints_is_searched() {
    let ends = [i128::from(i64::MIN), u64::MAX.into()];
    let mut keys: Vec<i128> = (0..1000).chain(ends).collect();
    keys.sort_unstable();
    let (cuts, asked) = search(&keys, 4);
    let depths = depths(&keys, &cuts);
    assert!(depths.iter().all(|depth| *depth <= 375 + 32), "{depths:?}");
    assert!(asked < 2_000, "{asked}");
}

#[test]
fn one_key_is_one_part() {
    let (cuts, asked) = search(&[7, 7, 7], 4);
    assert_eq!((cuts.parts(), asked), (1, 1));
}

#[test]
fn a_server_that_finds_rows_everywhere_is_not_asked_for_ever() {
    let mut search = DensitySearch::new(i64::MIN, u64::MAX, 1000).unwrap();
    let mut asked = 0;
    while search.ranges().next().is_some() {
        let estimates = search.ranges().count();
        asked += estimates;
        let wild = |index: usize| {
            if index % 7 == 3 {
                u64::MAX
            } else {
                1 << (index % 60)
            }
        };
        search.refine((0..estimates).map(wild));
    }
    assert!(asked <= DensitySearch::MAX_ESTIMATES, "{asked}");
    assert!(search.boundaries().parts() <= 1000);
}

#[test]
fn missing_estimates_are_of_no_rows() {
    let mut search = DensitySearch::new(0, 1000, 2).unwrap();
    search.refine([16]);
    assert_eq!(search.ranges().count(), 0);
    assert_eq!(search.rows(), 16);
    assert!(format!("{search:?}").contains("asked: 16"));
}

proptest! {
    #[test]
    fn no_part_has_more_rows_than_is_said(
        clusters in proptest::collection::vec((any::<i64>(), 1_i128..5000, 1_u16..400), 1..8),
        repeated in 0_usize..300,
        parts in 1_usize..12,
    ) {
        let cluster = |&(start, step, count): &(i64, i128, u16)| {
            (0..i128::from(count)).map(move |index| i128::from(start) + index * step)
        };
        let mut keys: Vec<i128> = clusters.iter().flat_map(cluster).collect();
        keys.extend(vec![keys[0]; repeated]);
        keys.sort_unstable();
        let (cuts, asked) = search(&keys, parts);
        prop_assert!(asked <= DensitySearch::MAX_ESTIMATES);
        prop_assert!(cuts.parts() <= parts);
        let frequent = keys.chunk_by(|a, b| a == b).map(<[i128]>::len).max().unwrap();
        let share = keys.len().div_ceil(parts);
        let limit = share + (share / 2).max(32) + frequent;
        let depths = depths(&keys, &cuts);
        prop_assert!(depths.iter().all(|depth| *depth <= limit), "{depths:?} over {limit}");
    }

    #[test]
    fn whatever_the_estimates_the_cuts_ascend(
        estimates in proptest::collection::vec(any::<u64>(), 0..2000),
        first in any::<i64>(), last in any::<u64>(), parts in 0_usize..100,
    ) {
        let last = i128::from(last).max(first.into());
        let mut search = DensitySearch::new(first, last, parts).unwrap();
        let mut estimates = estimates.into_iter();
        while search.ranges().next().is_some() {
            let count = search.ranges().count();
            search.refine(estimates.by_ref().take(count).collect::<Vec<_>>());
        }
        let cuts = search.boundaries();
        prop_assert!(cuts.values().is_sorted_by(|a, b| a < b));
        prop_assert!(cuts.values().iter().all(|cut| *cut > first.into() && *cut <= last));
    }
}
