//! The packets of a response: what an event encodes to gives an equal event in the same place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{Capabilities, EofPacket, OkPacket, ResponseEvent, ResponseReader};
use otaria_fuzz::{Input, encoded};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    // The byte of the capabilities has bits to spare.
    let kind = data.first().map_or(0, |byte| byte >> 6);
    let capabilities = input.capabilities();
    let mut reader = match kind {
        0 => ResponseReader::new(capabilities),
        1 => ResponseReader::for_cursor(capabilities),
        2 => ResponseReader::for_ok(capabilities),
        _ => ResponseReader::for_fetch(capabilities),
    };
    for payload in input.payloads() {
        let mut before = reader.clone();
        match reader.read(payload) {
            Ok(event) => {
                assert!(!before.is_done(), "nothing follows a whole response");
                let again = encode(&event, capabilities);
                assert_eq!(before.read(&again), Ok(event));
                assert_eq!(before.expects(), reader.expects());
            }
            // A reader may be asked again, whatever it says.
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn encode(event: &ResponseEvent<'_>, capabilities: Capabilities) -> Vec<u8> {
    match event {
        ResponseEvent::Ok(packet) => encoded(packet, capabilities),
        ResponseEvent::Err(packet) => encoded(packet, capabilities),
        ResponseEvent::LocalInfile(packet) => encoded(packet, capabilities),
        ResponseEvent::Progress(packet) => encoded(packet, capabilities),
        ResponseEvent::ColumnCount(packet) => encoded(packet, capabilities),
        ResponseEvent::ColumnDefinition(packet) => encoded(packet, capabilities),
        ResponseEvent::MetadataEnd(packet) => encoded(packet, capabilities),
        ResponseEvent::Row(payload) => payload.to_vec(),
        &(ResponseEvent::ResultSetEnd {
            status,
            warnings,
            session_state,
        }
        | ResponseEvent::CursorOpened {
            status,
            warnings,
            session_state,
        }) => {
            if capabilities.contains(Capabilities::DEPRECATE_EOF) {
                let ok = OkPacket {
                    ends_result_set: true,
                    status,
                    warnings,
                    session_state,
                    ..OkPacket::default()
                };
                encoded(&ok, capabilities)
            } else {
                encoded(&EofPacket { warnings, status }, capabilities)
            }
        }
    }
}
