//! Partitions from other processes: what is taken for one comes back as the same bytes, and shows
//! none of its SQL. Whatever keys and estimates there are, the cuts ascend.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_arrow::partition::{DensitySearch, KeyBoundaries, Partition};
use otaria_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    match Partition::from_bytes(data) {
        Ok(partition) => {
            assert_eq!(partition.to_bytes(), data);
            assert!(partition.index() < partition.count());
            let shown = format!("{partition:?}");
            assert_eq!(
                shown,
                format!("Partition({} of {})", partition.index(), partition.count())
            );
            let conditions = partition.sql().matches(" WHERE ").count();
            assert!(partition.predicate().is_none() || conditions > 0);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    search(Input::new(data));
});

fn search(mut input: Input<'_>) {
    let keys = [key(&mut input), key(&mut input)];
    let parts = usize::from(input.byte());
    let (first, last) = (keys[0].min(keys[1]), keys[0].max(keys[1]));
    check(
        &KeyBoundaries::even(first, last, parts).expect("keys in their order"),
        first,
        last,
    );
    let samples: Vec<i128> = (0..input.byte()).map(|_| key(&mut input)).collect();
    let cuts = KeyBoundaries::of_samples(samples.iter().copied(), parts).expect("keys");
    if let (Some(first), Some(last)) = (samples.iter().min(), samples.iter().max()) {
        check(&cuts, *first, *last);
    }
    let mut search = DensitySearch::new(first, last, parts).expect("keys in their order");
    let mut asked = 0;
    loop {
        let count = search.ranges().count();
        if count == 0 {
            break;
        }
        asked += count;
        let estimates: Vec<u64> = (0..count).map(|_| input.byte().into()).collect();
        search.refine(estimates);
    }
    assert!(asked <= DensitySearch::MAX_ESTIMATES);
    check(&search.boundaries(), first, last);
}

fn check(cuts: &KeyBoundaries, first: i128, last: i128) {
    assert!(cuts.values().is_sorted_by(|a, b| a < b));
    assert!(cuts.values().iter().all(|cut| *cut > first && *cut <= last));
}

/// A BIGINT, signed or not.
fn key(input: &mut Input<'_>) -> i128 {
    let signed = input.byte() & 1 == 0;
    let bytes = std::array::from_fn(|_| input.byte());
    if signed {
        i64::from_le_bytes(bytes).into()
    } else {
        u64::from_le_bytes(bytes).into()
    }
}
