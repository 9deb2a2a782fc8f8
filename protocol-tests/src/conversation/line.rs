//! The line between the server of a conversation and its client, with faults.

use std::collections::VecDeque;

use otaria_codec::{ErrPacket, PacketEncoder};

use super::server::Shared;
use crate::pipe::{Action, Peer};
use crate::script::CAPABILITIES;

/// What is wrong with the line.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each may be so whatever the others are"
)]
pub(super) struct Line {
    /// What happens next, and behind how many packets.
    faults: VecDeque<(u8, Fault)>,
    /// What the server has said since it is silent.
    held: Vec<Action>,
    is_silent: bool,
    /// Nothing comes any more.
    is_dead: bool,
    /// Whether a packet may reach into the next.
    pub(super) has_false_header: bool,
    pub(super) is_compressed: bool,
    /// Whether a byte has come that was not sent: what is decoded may be anything.
    pub(super) is_spoiled: bool,
    /// Whether something does not come that is waited for, or not yet.
    pub(super) is_broken: bool,
}

/// A fault of the line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Of the next packet only so many bytes come, and then this end; `None` for silence.
    Cut(usize, Option<End>),
    /// Two bytes of the next payload are others.
    Spoil([(u8, u8); 2]),
    /// A byte of the next header is another. It is the only false one of the conversation: where
    /// headers and payloads can both be made up, a server can say whatever it wants.
    Header(usize, u8),
    /// In place of the next packet the server says goodbye, by this error with this number.
    Goodbye(u16, u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Close,
    Reset,
}

impl Line {
    pub(super) fn plan(&mut self, packets: u8, fault: Fault) {
        self.faults.push_back((packets, fault));
    }

    /// Holds back what the server says from here on.
    pub(super) const fn hold(&mut self) {
        self.is_silent = true;
        self.is_broken = true;
    }

    /// Nothing is missing any more of what was only held back.
    pub(super) const fn mend(&mut self) {
        self.is_broken = self.is_dead;
    }

    /// Whether one answer of a pipeline may have come in the place of the one before: a byte that was
    /// changed can end an answer early, and behind compression only the numbers of packets would tell,
    /// which are not checked there.
    pub(super) const fn is_unnumbered(&self) -> bool {
        self.is_compressed && self.is_spoiled
    }

    /// Gives out what was held back.
    pub(super) fn release(&mut self) -> Vec<Action> {
        self.is_silent = false;
        std::mem::take(&mut self.held)
    }

    fn pass(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let mut passed = Vec::new();
        for action in actions {
            if !self.is_dead {
                self.pass_one(action, &mut passed);
            }
        }
        if self.is_silent {
            self.held.append(&mut passed);
        }
        passed
    }

    fn pass_one(&mut self, action: Action, passed: &mut Vec<Action>) {
        let Action::Send(mut bytes) = action else {
            passed.push(action);
            return;
        };
        let fault = match self.faults.front_mut() {
            Some((0, _)) => self.faults.pop_front().map(|(_, fault)| fault),
            Some((packets, _)) => {
                *packets -= 1;
                None
            }
            None => None,
        };
        match fault {
            Some(Fault::Cut(keep, end)) => {
                bytes.truncate(keep % bytes.len().max(1));
                passed.push(Action::Send(std::mem::take(&mut bytes)));
                passed.extend(end.map(|end| match end {
                    End::Close => Action::Close,
                    End::Reset => Action::Reset,
                }));
                self.is_dead = true;
                self.is_broken = true;
            }
            Some(Fault::Spoil(changes)) if !self.has_false_header => {
                let payload = bytes.get_mut(4..).unwrap_or_default();
                for (at, change) in changes {
                    let at = usize::from(at) % payload.len().max(1);
                    if let Some(byte) = payload.get_mut(at) {
                        *byte ^= change;
                        self.is_spoiled |= change != 0;
                    }
                }
            }
            Some(Fault::Header(at, change)) if !self.is_spoiled && change != 0 => {
                if let Some(byte) = bytes.get_mut(at % 4) {
                    *byte ^= change;
                    self.has_false_header = true;
                    self.is_spoiled = true;
                }
            }
            Some(Fault::Goodbye(code, sequence_number)) => {
                bytes = goodbye(code, sequence_number);
                self.is_dead = true;
                self.is_broken = true;
                // In clear where it has to be compressed, it may be anything.
                self.is_spoiled |= self.is_compressed;
                passed.push(Action::Send(std::mem::take(&mut bytes)));
                passed.push(Action::Close);
            }
            None | Some(_) => {}
        }
        passed.push(Action::Send(bytes));
    }
}

fn goodbye(code: u16, sequence_number: u8) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(sequence_number);
    let packet = ErrPacket::new(code, *b"08S01", "goodbye");
    encoder.packet(&packet, CAPABILITIES);
    encoder.bytes().to_vec()
}

/// A server at the end of a [`Line`].
pub(super) struct Faulty<P> {
    pub(super) peer: P,
    pub(super) shared: Shared,
}

impl<P: Peer> Peer for Faulty<P> {
    fn greet(&mut self) -> Vec<Action> {
        let actions = self.peer.greet();
        self.shared.server().line.pass(actions)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        let actions = self.peer.receive(bytes);
        self.shared.server().line.pass(actions)
    }
}
