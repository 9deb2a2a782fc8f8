//! OK packets, and each change of the session's state that they carry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{OkPacket, PayloadWriter, SessionChanges};
use otaria_fuzz::{Input, comes_back};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let capabilities = input.capabilities();
    if let Some(packet) = comes_back!(OkPacket<'_>, input.rest(), capabilities) {
        changes_come_back(packet.session_changes());
    }
    changes_come_back(SessionChanges::new(data));
});

fn changes_come_back(mut changes: SessionChanges<'_>) {
    while let Some(change) = changes.next() {
        let Ok(change) = change else {
            assert_eq!(changes.next(), None, "an error ends the changes");
            return;
        };
        let mut payload = Vec::new();
        change.encode(&mut PayloadWriter::new(&mut payload));
        let back: Vec<_> = SessionChanges::new(&payload).collect();
        assert_eq!(back, [Ok(change)]);
    }
}
