//! Transcripts of real exchanges: `fixtures/**/*.hex`.
//!
//! A line that begins with `>` holds bytes that the client sent, one with `<` bytes that the server
//! sent, each a whole packet in hexadecimal; `#` begins a comment, which may follow bytes.

use std::path::{Path, PathBuf};

use crate::pipe::{Action, Peer};

/// One exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fixture {
    /// The file's name without its ending.
    pub name: String,
    /// The packets in the order in which they were sent.
    pub packets: Vec<Packet>,
}

/// A packet of an exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Whether the client sent it.
    pub from_client: bool,
    /// Header and body.
    pub bytes: Vec<u8>,
}

impl Fixture {
    /// Reads one file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let packets = lines
            .filter(|line| !line.is_empty())
            .map(Packet::read)
            .collect();
        Self { name, packets }
    }

    /// All fixtures below `folder` of the fixtures, in the order of their names.
    pub fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(folder);
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        paths.sort();
        let fixtures: Vec<Self> = paths.iter().map(|path| Self::read(path)).collect();
        assert!(!fixtures.is_empty(), "no fixtures in {}", folder.display());
        fixtures
    }

    /// The packets that the server sent.
    pub fn from_server(&self) -> impl Iterator<Item = &[u8]> {
        self.packets
            .iter()
            .filter(|packet| !packet.from_client)
            .map(|packet| &*packet.bytes)
    }

    /// The file's text for these packets, under a comment.
    pub fn write(comment: &str, packets: &[Packet]) -> String {
        let mut text = String::new();
        for line in comment.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        for packet in packets {
            text.push(if packet.from_client { '>' } else { '<' });
            for byte in &packet.bytes {
                text.push_str(&format!(" {byte:02x}"));
            }
            text.push('\n');
        }
        text
    }
}

impl Packet {
    fn read(line: &str) -> Self {
        let (direction, hex) = line.split_at(1);
        let from_client = match direction {
            ">" => true,
            "<" => false,
            other => panic!("a line begins with {other}, not with > or <"),
        };
        let digits: Vec<u8> = hex
            .chars()
            .filter(|character| !character.is_whitespace())
            .map(|digit| digit.to_digit(16).expect("hexadecimal digits") as u8)
            .collect();
        assert!(digits.len() % 2 == 0, "half a byte in: {line}");
        let bytes = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        Self { from_client, bytes }
    }
}

/// Plays the server's part of a fixture: each packet from the client, whatever it holds, is
/// answered by what the server sent next.
#[derive(Clone, Debug)]
pub struct Replay {
    packets: std::collections::VecDeque<Packet>,
    received: Vec<u8>,
    at_end: Option<Action>,
}

impl Replay {
    /// Plays `packets`, and then does `at_end`; without it the server hangs.
    pub fn new(packets: impl IntoIterator<Item = Packet>, at_end: Option<Action>) -> Self {
        Self {
            packets: packets.into_iter().collect(),
            received: Vec::new(),
            at_end,
        }
    }

    fn next_actions(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while self
            .packets
            .front()
            .is_some_and(|packet| !packet.from_client)
        {
            actions.extend(
                self.packets
                    .pop_front()
                    .map(|packet| Action::Send(packet.bytes)),
            );
        }
        if self.packets.is_empty() {
            actions.extend(self.at_end.take());
        }
        actions
    }
}

impl Peer for Replay {
    fn greet(&mut self) -> Vec<Action> {
        self.next_actions()
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        self.received.extend_from_slice(bytes);
        let mut actions = Vec::new();
        while let [a, b, c, _, ..] = self.received[..] {
            let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
            if self.received.len() < 4 + length {
                break;
            }
            self.received.drain(..4 + length);
            self.packets.pop_front();
            actions.extend(self.next_actions());
        }
        actions
    }
}
