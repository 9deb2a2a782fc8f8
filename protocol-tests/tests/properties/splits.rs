//! How bytes are split into reads never changes what they say.

use std::fmt::Write;

use otaria::Channel;
use otaria_codec::{CompressedDecoder, CompressedEncoder, PacketDecoder, PacketEncoder};
use otaria_session::{Event, Executable, Session};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol_tests::fixture::{self, Command, Fixture};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// The lengths of reads, over and over.
fn reads() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        vec(1..5_usize, 1..10),
        vec(1..60_usize, 1..10),
        vec(1..5_000_usize, 1..4),
    ]
}

/// `bytes` in pieces of these lengths.
fn pieces<'b>(bytes: &'b [u8], reads: &[usize]) -> impl Iterator<Item = &'b [u8]> {
    let mut rest = bytes;
    let mut lengths = reads.iter().cycle();
    std::iter::from_fn(move || {
        let length = rest.len().min(*lengths.next()?);
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The payloads and their numbers, and how it has ended.
fn packets<'b>(pieces: impl Iterator<Item = &'b [u8]>) -> (Vec<(Vec<u8>, u8)>, String) {
    let mut decoder = PacketDecoder::new(1 << 20);
    decoder.set_sequence_number(0);
    let mut packets = Vec::new();
    for piece in pieces {
        decoder.buffer_mut().extend_from_slice(piece);
        loop {
            match decoder.poll_packet() {
                Ok(Some(packet)) => {
                    let payload = decoder.payload(packet).to_vec();
                    packets.push((payload, decoder.sequence_number()));
                }
                Ok(None) => break,
                Err(error) => return (packets, error.to_string()),
            }
        }
    }
    (packets, String::new())
}

fn plain<'b>(
    mut decoder: CompressedDecoder,
    pieces: impl Iterator<Item = &'b [u8]>,
) -> (Vec<u8>, String) {
    let mut plain = Vec::new();
    for piece in pieces {
        decoder.buffer_mut().extend_from_slice(piece);
        loop {
            match decoder.poll_packet(&mut plain) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return (plain, error.to_string()),
            }
        }
    }
    (plain, String::new())
}

/// A compressed packet that holds `part` as a frame of zstd.
fn zstd(part: &[u8]) -> Vec<u8> {
    let body = compress_to_vec(part, CompressionLevel::Fastest);
    let [s0, s1, s2, ..] = body.len().to_le_bytes();
    let [i0, i1, i2, ..] = part.len().to_le_bytes();
    [&[s0, s1, s2, 0, i0, i1, i2], body.as_slice()].concat()
}

/// `bytes` with one of them changed.
fn damaged(mut bytes: Vec<u8>, damage: Option<(prop::sample::Index, u8)>) -> Vec<u8> {
    if let Some((at, change)) = damage
        && !bytes.is_empty()
    {
        let at = at.index(bytes.len());
        bytes[at] ^= change;
    }
    bytes
}

/// Has a login, and behind it a command, with a session, the server's bytes in such reads, and
/// tells all that the session says.
fn told(login: &Fixture, exchange: Option<&Fixture>, reads: &[usize]) -> String {
    let config = login.config();
    let mut session = Session::new(&config, Channel::Plain, [0; 32]);
    let mut told = String::new();
    say(&mut session, login, reads, &mut told);
    let Some(exchange) = exchange else {
        return told;
    };
    match exchange.command().expect("a command") {
        Command::Query(sql) => session.simple_query(sql).expect("a session that is idle"),
        Command::Statement { sql, parameter, .. } => {
            let parameters = parameter.as_slice();
            let queued = session.execute(Executable::Sql(sql), &parameters);
            queued.expect("a session that is idle");
        }
        Command::Ping => session.ping().expect("a session that is idle"),
        Command::Reset => session.reset().expect("a session that is idle"),
    }
    say(&mut session, exchange, reads, &mut told);
    told
}

/// Gives the session what the server says, up to the end or the client's next command.
fn say(session: &mut Session, exchange: &Fixture, reads: &[usize], told: &mut String) {
    let written = session.unwritten().len();
    session.written(written);
    for turn in exchange
        .packets
        .chunk_by(|one, other| one.from_client == other.from_client)
    {
        if turn[0].from_client {
            continue;
        }
        let bytes: Vec<u8> = turn
            .iter()
            .flat_map(|packet| packet.bytes.clone())
            .collect();
        for piece in pieces(&bytes, reads) {
            session.read_buffer().extend_from_slice(piece);
            while tell(session, told) {}
        }
        let written = session.unwritten().len();
        session.written(written);
        if !session.is_response_due() && session.server_version().is_some() && session.is_idle() {
            return;
        }
    }
}

/// Whether the session has something to say, in words.
fn tell(session: &mut Session, told: &mut String) -> bool {
    let event = match session.poll() {
        Ok(None) => return false,
        Ok(Some(event)) => event,
        Err(error) => {
            writeln!(told, "{}", fixture::chain(&error)).expect("a String takes everything");
            return false;
        }
    };
    let line = match event {
        Event::Row(row) => {
            let row = session.row(row);
            let cell = |index| row.get(index).map(fixture::show).unwrap_or_default();
            let cells: Vec<String> = (0..row.len()).map(cell).collect();
            cells.join(", ")
        }
        Event::Derive(_) | Event::Prompt(_) => "a login".to_owned(),
        event => format!("{event:?}"),
    };
    writeln!(told, "{line}").expect("a String takes everything");
    true
}

proptest! {
    #[test]
    fn packets_are_the_same_however_they_are_read(
        payloads in vec(vec(any::<u8>(), 0..400), 0..20),
        damage in proptest::option::weighted(0.3, any::<(prop::sample::Index, u8)>()),
        reads in reads(),
    ) {
        let mut encoder = PacketEncoder::new();
        for payload in &payloads {
            encoder.payload(|out| out.bytes(payload));
        }
        let bytes = damaged(encoder.take(), damage);
        let whole = packets([&bytes[..]].into_iter());
        prop_assert_eq!(packets(pieces(&bytes, &reads)), whole.clone());
        if damage.is_none() {
            let found = whole.0.into_iter().map(|(payload, _)| payload);
            prop_assert_eq!(found.collect::<Vec<_>>(), payloads);
        }
    }

    #[test]
    fn compressed_packets_are_the_same_however_they_are_read(
        parts in vec(vec(0..4_u8, 0..600), 0..10),
        damage in proptest::option::weighted(0.3, any::<(prop::sample::Index, u8)>()),
        (level, threshold) in (0..10_u32, 0..300_usize),
        reads in reads(),
    ) {
        let mut encoder = CompressedEncoder::new(level, threshold);
        let mut bytes = Vec::new();
        let mut sequence_number = 0;
        for part in &parts {
            sequence_number = encoder.encode(part, sequence_number, &mut bytes);
        }
        let bytes = damaged(bytes, damage);
        let whole = plain(CompressedDecoder::new(), [&bytes[..]].into_iter());
        prop_assert_eq!(plain(CompressedDecoder::new(), pieces(&bytes, &reads)), whole.clone());
        if damage.is_none() {
            prop_assert_eq!(whole.0, parts.concat());
        }
    }

    #[test]
    fn packets_compressed_by_zstd_are_the_same_however_they_are_read(
        parts in vec(vec(0..4_u8, 1..600), 0..10),
        damage in proptest::option::weighted(0.3, any::<(prop::sample::Index, u8)>()),
        reads in reads(),
    ) {
        let bytes = damaged(parts.iter().flat_map(|part| zstd(part)).collect(), damage);
        let whole = plain(CompressedDecoder::zstd(), [&bytes[..]].into_iter());
        prop_assert_eq!(plain(CompressedDecoder::zstd(), pieces(&bytes, &reads)), whole.clone());
        if damage.is_none() {
            prop_assert_eq!(whole.0, parts.concat());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_session_says_the_same_however_a_recorded_login_is_read(reads in reads()) {
        for login in Fixture::all("login") {
            let whole = told(&login, None, &[usize::MAX]);
            let ends = if login.name == "03_refused" { "1045" } else { "Connected" };
            prop_assert!(whole.contains(ends), "{}: {}", login.name, whole);
            prop_assert_eq!(told(&login, None, &reads), whole, "{}", login.name);
        }
    }

    #[test]
    fn a_session_says_the_same_however_the_recorded_bytes_are_read(
        login in any::<prop::sample::Selector>(),
        reads in reads(),
    ) {
        let logins = Fixture::all("login").into_iter();
        let login = login.select(logins.filter(|login| login.name != "03_refused"));
        for folder in ["query", "statement"] {
            for exchange in Fixture::all(folder) {
                let whole = told(&login, Some(&exchange), &[usize::MAX]);
                prop_assert!(whole.contains("Connected"), "{}", whole);
                let read = told(&login, Some(&exchange), &reads);
                prop_assert_eq!(read, whole, "{} behind {}", exchange.name, login.name);
            }
        }
    }
}
