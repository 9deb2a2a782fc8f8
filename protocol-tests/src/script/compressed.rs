//! A fake server whose packets are compressed.

use otaria_codec::{CompressedDecoder, CompressedEncoder};

use super::{Hearing, Script};
use crate::pipe::{Action, Peer};

/// A [`Script`] that speaks compressed packets once it has logged a client in.
#[derive(Debug)]
pub struct Compressed {
    script: Script,
    decoder: CompressedDecoder,
    encoder: CompressedEncoder,
    /// The number of the next compressed packet, whichever side sends it.
    sequence_number: u8,
    logged_in: bool,
}

impl Compressed {
    /// Compresses every answer of `script`.
    pub fn new(script: Script) -> Self {
        let (decoder, encoder) = (CompressedDecoder::new(), CompressedEncoder::new(6, 0));
        Self {
            script,
            decoder,
            encoder,
            sequence_number: 0,
            logged_in: false,
        }
    }
}

impl Peer for Compressed {
    fn greet(&mut self) -> Vec<Action> {
        Peer::greet(&mut self.script)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if !self.logged_in {
            let actions = self.script.receive(bytes);
            self.logged_in = self.script.logged_in;
            return actions;
        }
        self.decoder.buffer_mut().extend_from_slice(bytes);
        let mut actions = Vec::new();
        let mut plain = Vec::new();
        loop {
            match self.decoder.poll_packet(&mut plain) {
                Ok(true) => self.sequence_number = self.sequence_number.wrapping_add(1),
                Ok(false) => return actions,
                Err(error) => {
                    assert!((self.script.forgives)(), "no compressed packets: {error}");
                    actions.push(Action::Close);
                    return actions;
                }
            }
            let found = self.decoder.sequence_number();
            let is_next = found == self.sequence_number;
            let takes_any = self.script.hearing == Hearing::AnyNumber;
            if !is_next && !takes_any {
                assert!((self.script.forgives)(), "compressed packets count up");
                actions.push(Action::Close);
                return actions;
            }
            self.sequence_number = found;
            actions.extend(self.answer(&plain));
            plain.clear();
        }
    }
}

impl Compressed {
    fn answer(&mut self, plain: &[u8]) -> Vec<Action> {
        let mut answer = Vec::new();
        let mut actions = Vec::new();
        for action in self.script.receive(plain) {
            match action {
                Action::Send(bytes) => answer.extend(bytes),
                end => actions.push(end),
            }
        }
        let mut compressed = Vec::new();
        self.sequence_number = self
            .encoder
            .encode(&answer, self.sequence_number, &mut compressed);
        if self.script.is_between_commands() {
            self.sequence_number = 0;
        }
        actions.insert(0, Action::Send(compressed));
        actions
    }
}
