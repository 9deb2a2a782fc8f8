//! Every packet of every fixture, spoiled in every way.

use allocation_counter::measure;
use otaria_codec::{Decode, OkPacket, ServerStatus};
use protocol_tests::fixture::Packet;
use protocol_tests::pipe::Action;
use protocol_tests::script::CAPABILITIES;

use crate::exchange::{Case, Exchange, Played, paused_clock};

/// A packet that was spoiled, and what became of its exchange.
struct Spoiled<'a> {
    exchange: &'a Exchange,
    honest: &'a Packet,
    bytes: Vec<u8>,
    played: Played,
    name: &'a str,
}

/// Plays what `spoil` makes of each packet that the server sends. Returns how many cases those
/// were.
fn for_every_packet(spoil: impl Fn(&[u8]) -> Vec<Vec<u8>>, check: impl Fn(&Spoiled<'_>)) -> usize {
    let clock = paused_clock();
    let mut cases = 0;
    for exchange in Exchange::all() {
        for place in exchange.server_packets() {
            for bytes in spoil(&exchange.packets[place].bytes) {
                let case = format!("{} packet {place} as {bytes:02x?}", exchange.name);
                let packets = exchange.with(place, bytes.clone());
                let played = bounded(&case, || clock.block_on(exchange.play(packets, None)));
                check(&Spoiled {
                    exchange: &exchange,
                    honest: &exchange.packets[place],
                    bytes,
                    played,
                    name: &case,
                });
                cases += 1;
            }
        }
    }
    cases
}

/// Runs `play`, which must not hold more memory at a time than it is allowed to.
fn bounded(case: &str, play: impl FnOnce() -> Played) -> Played {
    let case = Case(case.to_owned());
    let mut played = None;
    let used = measure(|| played = Some(play()));
    let bytes = used.bytes_max;
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    drop(case);
    played.expect("the closure has run")
}

/// A packet of `payload` whose header says that it has `length` bytes.
fn packet(length: usize, sequence_number: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = length.to_le_bytes();
    [&[a, b, c, sequence_number], payload].concat()
}

/// Whether the payload is an OK packet that ends where its session state would begin, which is
/// read as one without.
fn lost_only_session_state(payload: &[u8]) -> bool {
    OkPacket::decode(payload, CAPABILITIES).is_ok_and(|ok| {
        ok.session_state.is_empty() && ok.status.contains(ServerStatus::SESSION_STATE_CHANGED)
    })
}

/// Whether the packet is the ERR for an execution whose prepare was refused: that of the prepare is
/// told in its place.
fn is_err_behind_err(case: &Spoiled<'_>) -> bool {
    let mut errs = case.exchange.packets.iter().filter(|packet| {
        let is_this = std::ptr::eq(*packet, case.honest);
        !packet.from_client && (is_this || is_err(packet))
    });
    is_err(case.honest)
        && errs
            .next()
            .is_some_and(|first| !std::ptr::eq(first, case.honest))
}

fn is_err(packet: &Packet) -> bool {
    packet.payload().first() == Some(&0xff)
}

#[test]
fn truncated_packet_at_every_byte_is_noticed() {
    let truncated = |bytes: &[u8]| {
        let payload = &bytes[4..];
        let ends = 0..payload.len();
        ends.map(|end| packet(end, bytes[3], &payload[..end]))
            .collect()
    };
    let cases = for_every_packet(truncated, |case| {
        let unnoticed = case.played.lines == case.exchange.honest_lines;
        let greeting = case.honest.bytes[3] == 0;
        assert!(
            !unnoticed
                || greeting
                || lost_only_session_state(&case.bytes[4..])
                || is_err_behind_err(case),
            "{}: {:?}",
            case.name,
            case.played.lines
        );
    });
    assert!(cases > 1000, "{cases}");
}

#[test]
fn header_whose_length_lies_is_an_error_and_allocates_nothing_for_it() {
    let lying = |bytes: &[u8]| {
        let payload = &bytes[4..];
        let length = payload.len();
        let lengths = [0, length - 1, length + 1, 0xff_fffe, 0xff_ffff];
        lengths
            .map(|length| packet(length, bytes[3], payload))
            .into()
    };
    let cases = for_every_packet(lying, |case| {
        let noticed = case.played.lines != case.exchange.honest_lines;
        let is_told = noticed || is_err_behind_err(case);
        assert!(is_told, "{}: {:?}", case.name, case.played.lines);
    });
    assert!(cases > 300, "{cases}");
}

#[test]
fn byte_replaced_by_a_length_prefix_neither_panics_nor_hangs_nor_allocates_for_it() {
    let replaced = |bytes: &[u8]| {
        let places = 4..bytes.len();
        places
            .flat_map(|place| {
                PREFIXES.map(|prefix| {
                    let mut bytes = bytes.to_vec();
                    bytes[place] = prefix;
                    bytes
                })
            })
            .collect()
    };
    let cases = for_every_packet(replaced, |_| {});
    assert!(cases > 10_000, "{cases}");
}

#[test]
fn wrong_sequence_number_is_an_error() {
    let wrong = |bytes: &[u8]| {
        let right = bytes[3];
        let numbers = [0, right.wrapping_sub(1), right + 1, right ^ 0x80, 255];
        let numbers = numbers.into_iter().filter(|number| *number != right);
        numbers
            .map(|number| packet(bytes.len() - 4, number, &bytes[4..]))
            .collect()
    };
    let cases = for_every_packet(wrong, |case| {
        // An ERR is believed, whatever its number.
        if !is_err(case.honest) {
            let text = case.played.lines.last().expect("an error");
            assert!(text.contains("sequence number"), "{}: {text}", case.name);
        }
    });
    assert!(cases > 300, "{cases}");
}

fn at_every_byte(at_end: Option<&Action>, expected: &str) {
    let clock = paused_clock();
    let mut cases = 0;
    for exchange in Exchange::all() {
        let places = exchange.server_packets();
        let bytes: usize = places
            .map(|place| exchange.packets[place].bytes.len())
            .sum();
        for end in 0..bytes {
            let case = format!("{} after {end} bytes", exchange.name);
            let packets = exchange.cut_at(end);
            let played = bounded(&case, || {
                clock.block_on(exchange.play(packets, at_end.cloned()))
            });
            let text = chain_of(&played);
            assert!(text.contains(expected), "{case}: {text}");
            cases += 1;
        }
    }
    assert!(cases > 1000, "{cases}");
}

fn chain_of(played: &Played) -> String {
    let error = played.error.as_ref().map(protocol_tests::fixture::chain);
    error.unwrap_or_else(|| format!("no error, but {:?}", played.lines))
}

#[test]
fn server_closes_after_every_byte_and_the_call_ends_with_an_error() {
    at_every_byte(Some(&Action::Close), "closed the connection in place of");
}

#[test]
fn server_resets_after_every_byte_and_the_call_ends_with_an_error() {
    at_every_byte(Some(&Action::Reset), "closed the connection in place of");
}

#[test]
fn server_hangs_after_every_byte_and_the_call_ends_in_time() {
    at_every_byte(None, "timed out while waiting to receive");
}

/// What a length-encoded integer can begin with, and a zero.
const PREFIXES: [u8; 7] = [0x00, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/// The receive buffer has 64 KiB at most for such small packets; the fake server holds as much
/// again, and there is the connection.
const MAX_BYTES: u64 = 256 * 1024;
