use otaria_codec::{CompressedDecoder, CompressedEncoder, Decode};

use super::*;
use crate::Compression;

/// A session with a server that compresses, if `config` wants that.
pub(super) fn compressed_by(config: &Config) -> Session {
    let mut session = Session::new(config, Channel::Plain, [0; 32]);
    let plain = greeting();
    let mut greeting = InitialHandshake::decode(&plain[4..], CAPABILITIES).unwrap();
    greeting.capabilities |= Capabilities::COMPRESS;
    receive(&mut session, &packets(0, &[&greeting]));
    assert!(session.poll().unwrap().is_none());
    write_all(&mut session);
    receive(&mut session, &packets(2, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Connected))));
    session
}

fn compressing(compression: Compression) -> Session {
    compressed_by(&Config::builder().compression(compression).build().unwrap())
}

/// What a server sends in compressed packets, of which the first has this number.
pub(super) fn compressed(sequence_number: u8, plain: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    CompressedEncoder::new(6, 0).encode(plain, sequence_number, &mut sent);
    sent
}

#[test]
fn several_commands_over_a_compressed_connection_each_start_at_compressed_sequence_0() {
    let mut session = compressing(Compression::default().with_threshold(1000));
    session.ping().unwrap();
    session.simple_query("DO 1").unwrap();
    session.ping().unwrap();
    let ping = b"\x05\0\0\0\0\0\0\x01\0\0\0\x0e".as_slice();
    let query = b"\x09\0\0\0\0\0\0\x05\0\0\0\x03DO 1".as_slice();
    assert_eq!(write_all(&mut session), [ping, query, ping].concat());
    // The packets inside may have any sequence number.
    for sequence_number in [1, 7, 0] {
        let response = compressed(1, &packets(sequence_number, &[&ok()]));
        receive(&mut session, &response);
        assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    }
    assert!(session.is_idle());
}

/// A query of which the packet, header included, has so many bytes.
fn query(packet_bytes: usize) -> String {
    "x".repeat(packet_bytes - 5)
}

#[test]
fn a_command_is_compressed_from_the_threshold_on() {
    let mut session = compressing(Compression::default().with_threshold(200));
    session.simple_query(&query(199)).unwrap();
    let below = write_all(&mut session);
    assert_eq!(below[..7], [199, 0, 0, 0, 0, 0, 0], "as it is");
    assert_eq!(below.len(), 7 + 199);
    session.simple_query(&query(200)).unwrap();
    let at = write_all(&mut session);
    assert_eq!(at[3..7], [0, 200, 0, 0], "200 bytes before compression");
    assert!(at.len() < 100, "{} bytes", at.len());
    let mut decoder = CompressedDecoder::new();
    decoder.buffer_mut().extend_from_slice(&at);
    let mut plain = Vec::new();
    assert!(decoder.poll_packet(&mut plain).unwrap());
    assert_eq!(plain[..5], [196, 0, 0, 0, 3]);
    assert_eq!(plain[5..], *query(200).as_bytes());
}

#[test]
fn what_is_sent_is_compressed_by_the_level_of_the_configuration() {
    let sent = |level| {
        let compression = Compression::default().with_level(level).with_threshold(0);
        let mut session = compressing(compression);
        let numbers: Vec<_> = (0..2_000).map(|number: u32| number.to_string()).collect();
        let sql = numbers.join(",");
        session.simple_query(&sql).unwrap();
        (sql.len(), write_all(&mut session).len())
    };
    let ((plain, none), (_, fast), (_, best)) = (sent(0), sent(1), sent(9));
    assert!(
        none > plain && fast < plain && best < fast,
        "{none} {fast} {best}"
    );
}
