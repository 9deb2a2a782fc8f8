//! Whole conversations at random.

use std::panic::{catch_unwind, set_hook, take_hook};

use protocol_tests::chaos::seed;
use protocol_tests::conversation::converse;

#[test]
fn conversations_at_random_give_each_call_its_own_answer_or_an_error() {
    let mut random = fastrand::Rng::with_seed(seed());
    for _ in 0..CONVERSATIONS {
        let length = random.usize(1..200);
        let data: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        if fails(&data) {
            let data = smallest(data);
            println!("{data:?}");
            converse(&data);
            unreachable!("it has failed before");
        }
    }
}

/// Parts and their transactions were given up before the server had told of a deadlock.
#[test]
fn a_part_given_up_in_a_deadlock_leaves_the_connection_open() {
    converse(include_bytes!(
        "../../fuzz/corpus/conversation/part_given_up_in_a_deadlock"
    ));
}

/// A byte of the line made the second of three results go on, and the third came in its place.
#[test]
fn an_error_behind_a_false_status_is_not_told_to_the_request_before() {
    converse(include_bytes!(
        "../../fuzz/corpus/conversation/false_status_before_a_deadlock"
    ));
}

/// The content of a file was given up when the server had not yet answered the reset of a statement.
#[test]
fn a_file_given_up_behind_a_reset_leaves_the_connection_open() {
    converse(include_bytes!(
        "../../fuzz/corpus/conversation/file_given_up_behind_a_reset"
    ));
}

#[test]
fn what_was_sent_ahead_for_an_execution_that_was_dropped_is_no_part_of_the_next() {
    converse(include_bytes!("../../fuzz/corpus/conversation/long_data"));
}

fn fails(data: &[u8]) -> bool {
    catch_unwind(|| converse(data)).is_err()
}

/// Fewer and smaller bytes that fail as well.
fn smallest(mut data: Vec<u8>) -> Vec<u8> {
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    loop {
        let before = data.clone();
        for length in [32, 8, 4, 3, 2, 1] {
            let mut at = 0;
            while at + length <= data.len() {
                let mut fewer = data.clone();
                fewer.drain(at..at + length);
                if fails(&fewer) {
                    data = fewer;
                } else {
                    at += 1;
                }
            }
        }
        for at in 0..data.len() {
            for smaller in [0, 0xff, data[at] / 2, data[at].saturating_sub(1)] {
                let mut other = data.clone();
                other[at] = smaller;
                if data[at] != 0 && data[at] != 0xff && fails(&other) {
                    data = other;
                }
            }
        }
        if data == before {
            set_hook(hook);
            return data;
        }
    }
}

/// Few enough for every run of the tests.
const CONVERSATIONS: usize = 1_000;
