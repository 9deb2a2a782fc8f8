//! Whole conversations of a client with a server that answers what it is asked: any calls, dropped
//! anywhere, over a stream cut anywhere, with faults of the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol_tests::conversation::converse;

fuzz_target!(|data: &[u8]| converse(data));
