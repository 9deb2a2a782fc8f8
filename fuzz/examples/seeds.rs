//! Writes `fuzz/corpus`: the recorded exchanges cut up for each target, and a few made by hand.
//!
//! ```sh
//! cargo run --manifest-path fuzz/Cargo.toml --example seeds
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use otaria_auth::InitialHandshake;
use otaria_codec::{Capabilities, ColumnDefinition, Decode, ServerStatus};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("../protocol-tests/fixtures");
    for folder in ["login", "query", "statement"] {
        for path in files(&fixtures.join(folder)) {
            Exchange::read(&path).seeds(folder);
        }
    }
    for (target, name, bytes) in BY_HAND {
        write(target, name, bytes);
    }
    pipelines();
    for (name, flags, plugin, packets) in DIALOGUES {
        let packets = packets.iter().flat_map(|packet| chunk(packet));
        let seed: Vec<u8> = [flags].into_iter().chain(greeting(plugin)).collect();
        write(
            "handshake",
            name,
            &seed.into_iter().chain(packets).collect::<Vec<u8>>(),
        );
    }
}

/// The greeting of a server that offers TLS and whose default plugin is `auth_plugin`.
fn greeting(auth_plugin: &str) -> Vec<u8> {
    let greeting = InitialHandshake {
        server_version: b"11.8.6-MariaDB",
        thread_id: 8,
        scramble:
            *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14",
        capabilities: Capabilities::from_words(0x81ff_fffe, 0x3d),
        collation: 45,
        status: ServerStatus::AUTOCOMMIT,
        default_auth_plugin: auth_plugin,
    };
    chunk(&otaria_fuzz::encoded(&greeting, Capabilities::empty()))
}

struct Exchange {
    name: String,
    /// Whether the client sent it, its sequence number, its payload.
    packets: Vec<(bool, u8, Vec<u8>)>,
}

impl Exchange {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a fixture");
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let packets = lines.filter(|line| !line.trim().is_empty()).map(|line| {
            let (direction, hex) = line.split_at(1);
            let bytes: Vec<u8> = hex
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
                .collect();
            (direction == ">", bytes[3], bytes[4..].to_vec())
        });
        Self {
            name: path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            packets: packets.collect(),
        }
    }

    fn seeds(&self, folder: &str) {
        let name = format!("{folder}_{}", self.name);
        if folder == "statement" {
            write("session", &name, &self.operations());
            return;
        }
        let from_server = || self.packets.iter().filter(|(client, ..)| !client);
        let payloads: Vec<&[u8]> = from_server().map(|(_, _, payload)| &**payload).collect();
        let first = from_server().next().map_or(0, |packet| packet.1);
        write(
            "packet",
            &name,
            &[&[15, first, 2, 0, 2, 30], &*self.stream()].concat(),
        );
        let list: Vec<u8> = payloads.iter().flat_map(|payload| chunk(payload)).collect();
        if folder == "login" {
            for flags in [0, 7] {
                write(
                    "handshake",
                    &format!("{name}_{flags}"),
                    &[&[flags], &*list].concat(),
                );
            }
            for (index, (_, _, payload)) in self.packets.iter().enumerate() {
                let seed = [&[6], &**payload].concat();
                write("auth_packets", &format!("{name}_{index}"), &seed);
            }
        } else {
            write("response", &name, &[&[3], &*list].concat());
            write("session", &name, &self.operations());
            rows(&name, &payloads);
        }
        if let Some(ok @ [0x00 | 0xfe, ..]) = payloads.last() {
            write("ok_packet", &name, &[&[3], *ok].concat());
        }
    }

    /// What the server sent up to the client's next word, in packets.
    fn stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        let answer = self.packets.iter().skip_while(|(client, ..)| *client);
        for (_, sequence_number, payload) in answer.take_while(|(client, ..)| !client) {
            let [a, b, c, ..] = payload.len().to_le_bytes();
            stream.extend([a, b, c, *sequence_number]);
            stream.extend(payload);
        }
        stream
    }

    /// Operations of a session that has logged in: a command is queued and written, packets come
    /// and are polled for.
    fn operations(&self) -> Vec<u8> {
        let mut operations = vec![0];
        let mut statement: &[u8] = b"";
        let mut packets = self.packets.iter().peekable();
        while let Some((from_client, sequence_number, payload)) = packets.next() {
            match (from_client, &**payload) {
                (true, [0x03, sql @ ..]) => operations.extend([&[5], &*chunk(sql), &[9]].concat()),
                (true, [0x0e]) => operations.extend([6, 9]),
                (true, [0x16, sql @ ..]) => {
                    statement = sql;
                    // The execution behind it queues both.
                    if packets.peek().is_some_and(|(from_client, ..)| !from_client) {
                        operations.extend([&[22], &*chunk(sql), &[1, 9]].concat());
                    }
                }
                (true, [0x17, execute @ ..]) => {
                    let parameters = u8::from(execute.len() > 9);
                    let execute = [&[22], &*chunk(statement), &[parameters, 9]].concat();
                    operations.extend(execute);
                }
                (true, _) => operations.extend([7, 9]),
                (false, payload) => {
                    operations.push(if *sequence_number == 1 { 2 } else { 1 });
                    operations.extend(chunk(payload));
                    operations.push(3);
                }
            }
        }
        operations
    }
}

/// The rows of the first result set.
fn rows(name: &str, payloads: &[&[u8]]) {
    let capabilities = Capabilities::MARIADB_CLIENT_EXTENDED_METADATA;
    let definitions: Vec<(&[u8], ColumnDefinition)> = payloads
        .iter()
        .skip(1)
        .map_while(|payload| {
            Some((
                *payload,
                ColumnDefinition::decode(payload, capabilities).ok()?,
            ))
        })
        .collect();
    for (index, (payload, _)) in definitions.iter().enumerate().step_by(3) {
        write("column_definition", &format!("{name}_{index}"), payload);
    }
    let rows = payloads.iter().skip(1 + definitions.len());
    for (index, row) in rows
        .take_while(|row| row.first() != Some(&0xfe))
        .enumerate()
    {
        // A target reads 16 columns at most.
        let cells = cells(row);
        for (from, cells) in [
            (0, &cells[..cells.len().min(12)]),
            (12, cells.get(12..).unwrap_or_default()),
        ] {
            let mut seed = vec![u8::try_from(cells.len()).expect("few cells")];
            for (_, column) in definitions.iter().skip(from).take(cells.len()) {
                let flags = column.flags().bits().to_le_bytes()[0];
                let collation = column.collation().to_le_bytes()[0];
                seed.extend([column.field_type().into(), flags, collation]);
            }
            seed.extend(cells.concat());
            if cells.is_empty() {
                continue;
            }
            write("text_row", &format!("{name}_{index}_{from}"), &seed);
            let columns = definitions.iter().skip(from).take(cells.len());
            let seed = arrow_rows(columns.map(|(_, column)| column), &cells.concat());
            write("arrow_rows", &format!("{name}_{index}_{from}"), &seed);
        }
    }
}

/// A row of text for a record batch with the default options.
fn arrow_rows<'c>(columns: impl Iterator<Item = &'c ColumnDefinition>, row: &[u8]) -> Vec<u8> {
    let columns: Vec<[u8; 5]> = columns
        .map(|column| {
            let [low, high] = column.flags().bits().to_le_bytes();
            let length = u8::try_from(column.column_length())
                .unwrap_or(u8::MAX)
                .min(63);
            let shape = length << 2 | u8::from(column.collation() != 63);
            [
                column.field_type().into(),
                low,
                high,
                shape,
                column.decimals(),
            ]
        })
        .collect();
    let last = u8::try_from(columns.len()).expect("few columns") - 1;
    [&[0, 0, 0, last], &*columns.concat(), &*chunk(row)].concat()
}

/// Whole answers to pipelines and batches: statements go by the text protocol where the first byte is
/// odd, and what is run is in the second.
fn pipelines() {
    const OK: &[u8] = b"\x01\0\0\0\x02\0\0\0";
    const OPEN: &[u8] = b"\x01\0\0\0\x03\0\0\0";
    const DEADLOCK: &[u8] = b"\x01\xff\xbd\x04#40001";
    const LOCK_TIMEOUT: &[u8] = b"\x01\xff\xb5\x04#HY000";
    const PREPARED: &[u8] = b"\x01\0\x01\0\0\0\0\0\x01\0\0\0\0";
    const PARAMETER: &[u8] = b"\0\x03def\0\0\0\x01?\0\0\x0c\x3f\0\0\0\0\0\x06\0\0\0\0\0";
    const ONE_COLUMN: &[u8] = b"\x01\x01\x01";
    const COLUMN: &[u8] = b"\0\x03def\0\0\0\x01a\0\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0";
    const ROW: &[u8] = b"\0\x03abc";
    const END: &[u8] = b"\0\xfe\0\0\x03\0\0\0";
    const TWO_COLUMNS: &[u8] = b"\x01\x02\x01";
    const ID: &[u8] = b"\0\x03def\0\0\0\x02Id\0\0\x0c\x3f\0\x14\0\0\0\x08\0\0\0\0\0";
    const AFFECTED: &[u8] =
        b"\0\x03def\0\0\0\x0dAffected_rows\0\0\x0c\x3f\0\x14\0\0\0\x08\0\0\0\0\0";
    const UNIT: &[u8] = b"\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0";
    let rows: [&[u8]; 4] = [ONE_COLUMN, COLUMN, ROW, END];
    let prepared: [&[u8]; 2] = [PREPARED, PARAMETER];
    let units = [&[TWO_COLUMNS, ID, AFFECTED], &[UNIT; 3][..], &[END]].concat();
    let seeds: [(&str, u8, u8, Vec<&[u8]>); 6] = [
        ("text", 1, 0, [&[OK; 3][..], &rows, &[OK; 20]].concat()),
        ("prepared", 6, 0, [prepared, [OK, OK]].concat().repeat(8)),
        (
            "deadlock",
            1,
            1,
            [&[OPEN, OPEN, DEADLOCK][..], &rows, &[OK; 8]].concat(),
        ),
        (
            "in_doubt",
            1,
            1,
            [
                &[OPEN, OPEN, LOCK_TIMEOUT][..],
                &rows,
                &[OPEN],
                &rows,
                &[OPEN; 8],
            ]
            .concat(),
        ),
        ("units", 6, 0xaa, [&prepared, &units[..], &units].concat()),
        ("one_by_one", 1, 0xff, vec![OK; 12]),
    ];
    for (name, options, calls, answers) in seeds {
        let answers = answers.into_iter().flat_map(chunk);
        let seed: Vec<u8> = [options, calls].into_iter().chain(answers).collect();
        write("pipeline", name, &seed);
    }
}

/// The cells of a row, each with its length.
fn cells(row: &[u8]) -> Vec<&[u8]> {
    let mut cells = Vec::new();
    let mut rest = row;
    while let Some(&first) = rest.first() {
        let length = if first == 0xfb {
            1
        } else {
            1 + usize::from(first)
        };
        let (cell, behind) = rest.split_at(length.min(rest.len()));
        cells.push(cell);
        rest = behind;
    }
    cells
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short payload");
    [&length.to_le_bytes(), bytes].concat()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder).expect("a folder for seeds");
    fs::write(folder.join(name), bytes).expect("a seed");
}

const BY_HAND: [(&str, &str, &[u8]); 113] = [
    ("conversation", "queries", b"\x08\x00\x00\x00\x00\x18\x00\x00\x07\x00\xff\x00\x00\x01\x18\x00\x02\x07\x00\xff\x0f\x00\x00\x00\x18\x00\x00\x07\x00\xff\x00\x00\x00\x08\x00\x00\x02\x00\xff\x00\x00\x03\x04\x00\x00\x00\x00\xff\x00\x00\x05\x1f\x00\x00\x07\x00\xff"),
    ("conversation", "text", b"\x02\x00\x00\x0f\x1f\x00\x00\x01\xff\x00\x0f\x05\x00\x00\x01\xff\x00\x00\x00\x18\x00\x00\x07\x00\xff\x00\x0b\x04\x00\x05\x00\xff"),
    ("conversation", "compressed", b"\x0d\x00\x00\x00\x00\x18\x07\x00\x07\x00\xff\x00\x00\x01\x18\x07\x02\x07\x00\xff\x17\xff"),
    ("conversation", "dropped", b"\x08\x00\x0a\x01\x00\x00\x00\x18\x00\x00\x07\x00\x05\x00\x00\x00\x18\x00\x00\x07\x00\xff\x00\x00\x00\x18\x00\x00\x07\x00\x28\x00\x00\x02\x18\x05\x00\x07\x00\xff"),
    ("conversation", "abandoned", b"\x08\x00\x00\x00\x00\x18\x05\x0f\x07\x00\xff\x00\x00\x00\x18\x00\x17\x07\x00\xff\x00\x00\x00\x18\x00\x04\x07\x00\xff"),
    ("conversation", "cursor", b"\x08\x00\x00\x00\x00\x18\x00\x00\x03\x01\xff\x00\x00\x00\x18\x00\x0f\x03\x00\xff\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "held", b"\x04\x00\x00\x08\x00\xff\x00\x00\x00\x18\x00\x00\x04\x00\xff\x00\x00\x01\x18\x00\x00\x07\x00\xff\x12\xff\x00\x00\x00\x18\x00\x00\x04\x00\xff\x11\x00\x00\x02\x18\x00\x00\x07\x00\xff"),
    ("conversation", "pipeline", b"\x08\x00\x00\x09\x04\x00\x18\x00\x00\x03\x04\x00\x00\x01\x10\x00\x02\x05\x1f\x00\x00\x07\xff\x00\x0e\x02\x03\x04\x00\x00\x04\x04\x00\x00\xff"),
    ("conversation", "bulk", b"\x08\x00\x00\x0b\x04\x00\x14\x01\xff\x00\x0b\x04\x00\x14\x32\xff\x00\x0b\x2d\x00\x14\x04\xff\x00\x0b\x04\x00\x14\x00\xff"),
    ("conversation", "file", b"\x08\x00\x00\x0d\x3c\x07\xff\x00\x0d\x3c\x07\x09\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "long_data", b"\x08\x00\x16\x00\x18\x00\x00\x20\xff\x16\x00\x18\x00\x07\x25\xff\x16\x03\x04\x00\x00\x22\xff\x16\x01\x18\x00\x07\x26\x02\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "transaction", b"\x08\x00\x08\xff\x02\x00\x03\x04\x00\x00\x07\x00\xff\x00\xff\x05\x00\x04\x04\x00\x00\x07\x00\xff\x01\xff\x00\x00\x18\x00\x00\x07\x00\xff\x01\xff\x08\xff\x0d\x00\x03\x06\x00\x00\x07\x00\xff\x01\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "silence", b"\x08\x00\x0d\x00\x00\x00\x18\x00\x00\x07\x00\xff\x0e\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "faults", b"\x08\x01\x0c\x04\x05\x01\x09\x09\x00\x00\x00\x18\x00\x00\x07\x00\xff\x0c\x03\x01\x04\x00\x00\x01\x18\x00\x00\x07\x00\xff\x00\x00\x00\x18\x00\x00\x07\x00\xff"),
    ("conversation", "false_status_before_a_deadlock", b"\x02\x0d\x35\x0e\x35\xff\x2e\x02\xff\x04\x2e\x0b\xaa\xaa\xaa\xaa\xaa\xaa\xaa\x0d\x35\x0e\x35\x2e\x2e\x3f\x02\x00\x40\x04\x04\xf4\xfd\x00\xff"),
    ("conversation", "file_given_up_behind_a_reset", b"\x08\x00\x0a\x3d\x00\x00\x02\x18\x00\x1a\x05\x4f\x43\x4d\x4d\x49\x54\x00\x07\x00\x14\x32\xff\x00\x0b\x00\x01\x00\x00\x02\x18\x00\x1a\x05\x4f\x43\x4d\x4d\x49\x54\x00\x07\x00\x14\x32\xff\x00\x0b\x00\x1f\x2d\x04\x3d\x0b\x00\x1f\x2d\x04\x2d\x0b\x00\x00\xff"),
    ("arrow_rows", "binary", b"\x01\0\0\x01\x03\0\0\0\0\xfd\0\0)\0\x0a\0\0\0*\0\0\0\x03abc\x06\0\0\x08\x07\0\0\0"),
    ("arrow_rows", "binary_times", b"\x01\0\0\x01\x0c\0\0\0\x06\x0b\0\0\0\0\x17\0\0\0\x0b\xe8\x07\x0c\x1f\x17;:@\xe2\x01\0\x08\x01\x02\0\0\0\x03\x04\x05\x08\0\0\0\x04\xe8\x07\x0c\x1f\0"),
    ("conversation", "part_given_up_in_a_deadlock", b"\x01\xca\x9a\x3b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb\x2d\x2d\x2d\xff\xff\x08\x00\x08\xff\x0f\x00\x00\x00\x00\x00\x00\x00\xff\x08\xff\x0d\x00\x03\x06\x08\x00\x08\xff\x0f\x00\x00\xf8\x00\x00\x56\x56\x56\x56\x56\x56\x56\x18\x00\x00\x07\x00\x2d"),
    ("conversation", "session_of_mysql_is_reset", b"\x08\x05\x00\x3d\x0c\xc1\x05\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\x2a\x40\x00\xe2\x07\x03\xff\x07\x00\x07\x00\xff"),
    ("url", "backslash", b"h:1\x5cx"),
    ("partition", "whole", b"OTRP\x01\0\0\0\0\0\x01\0\0\0\x11\0\0\0SELECT * FROM `t`"),
    ("partition", "full", b"OTRP\x01\x07\x01\0\0\0\x02\0\0\0\x71\xb6\x20\x76\x87\xcb\x28\x28\x11\0\0\0SELECT * FROM `t`\x01\0\0\0x\x06\0\0\0`k` >1"),
    ("compressed_packet", "plain", b"\x02\x06\0\x05\0\0\0\0\0\0\x01\0\0\0\x0e"),
    ("compressed_packet", "claims", b"\x02\x06\0\x0b\0\0\0\xff\xff\xff\x78\x9c\x4b\x4c\x4c\x4c\0\0\x02\x49\x01\x24"),
    ("compressed_packet", "zstd", b"\x02\x06\0\x7f\x00\x00\x00\xed\x01\x00(\xb5/\xfd`\xed\x00\xad\x03\x00\xd2\x87\x13\x11\xb0\xa7\x0d\xa8B\x1aVB\"\xbb{\xe7`i4\x8ft\x9d\x13\x15\xb7\xdc\xd3\xcdbt\xf1>\xf7ll\xaee\xb9\xe5B.U\xde=\xda\xf5\xa0;\xa6+-g\xd9,X|]\xcf\xc8jY-\x9fJ\xe5\xf7\xe8z\x82OP\x9f\x93\x01\x88\x03\x18\n\xc1 \x13&\xa8\x11\x90\\\xb0\xf7\xef\xd0\xd35\x10V}/V\xa3[\xef\xb2\xc8\xcc\xa4r\x19H\x8f\xfa\xc7@n%\x08\xa8\x93U\x08\x00\x00\x01\x00\x00\x00as it is"),
    ("compressed_packet", "zstd_checksum", b"\x02\x06\08\x00\x00\x00<\x00\x00(\xb5/\xfd$<]\x01\x00\x04\x020\x09name of 0\x092024-02-01\n172\n214\x092\x03\x00\xa0\x0c\xd8\x17-\xe6\x18G\xb3\xf6\x1c"),
    ("compressed_packet", "zstd_raw_and_repeated", b"\x02\x06\0\x12\x00\x00\x00-\x00\x00(\xb5/\xfd -(\x00\x00helloC\x01\x00a"),
    ("compressed_packet", "zstd_claims", b"\x02\x06\0\n\x00\x00\x00\x05\x00\x00(\xb5/\xfd\x008\x03\x00\x10\x00"),
    ("compressed_packet", "zstd_long_window", b"\x02\x06\08\x00\x00\x00<\x00\x00(\xb5/\xfd\x04H]\x01\x00\x04\x020\x09name of 0\x092024-02-01\n172\n214\x092\x03\x00\xa0\x0c\xd8\x17-\xe6\x18G\xb3\xf6\x1c"),
    ("packet", "empty_payload", b"\x0f\0\0\0\0\0\0\0"),
    ("packet", "err_out_of_sequence", b"\x0f\x01\x01\0\x01\x03\0\0\x07\xff\x51\x04"),
    ("packet", "greatest_body", b"\x0f\x00\x01\0\x00\xff\xff\xff\0abc"),
    ("packet", "wrong_sequence_number", b"\x0f\x00\0\0\x01\0\0\x01a"),
    ("response", "progress", b"\x03\x0c\0\xff\xff\xff\x01\x01\x02\x10\x27\x00\x03abc\x07\0\0\0\0\x02\0\0\0"),
    ("response", "local_infile", b"\x05\x04\0\xfb/tm\x07\0\0\0\0\x02\0\0\0"),
    ("response", "eof", b"\0\x01\0\x01\x16\0\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x03\x81\0\0\0\0\x05\0\xfe\0\0\x02\0\x02\0\x011\x05\0\xfe\0\0\x02\0"),
    ("response", "cached_metadata", b"\x04\x02\0\x01\0\x02\0\x011\x07\0\xfe\0\0\x02\0\0\0"),
    ("response", "for_ok", b"\x83\x07\0\0\0\0\x02\0\0\0"),
    ("named", "with", b"\0WITH a (b) AS (SELECT 'x'), c AS (SELECT 1) SELECT * FROM a; -- end"),
    ("named", "returning", b"\0(/* */ SELECT 1 INTO @a); DELETE FROM t RETURNING a"),
    ("response", "cursor", b"\x44\x02\0\x01\0\x07\0\xfe\0\0\x42\0\0\0"),
    ("response", "fetch", b"\xc3\x06\0\0\0\x01\0\0\0\x07\0\xfe\0\0\x82\0\0\0"),
    ("response", "err", b"\x03\x09\0\xff\x15\x04#28000"),
    ("ok_packet", "session_state", b"\x03\0\x01\x02\x02\x40\0\0\x02hi\x18\x00\x0f\x0aautocommit\x03OFF\x02\x01\x31\x01\x01\x00"),
    ("ok_packet", "two_variables", b"\x00\x08\x01a\x01b\x01c\x01d"),
    ("ok_packet", "transaction", b"\x05\x09\x08T_______\x04\x06\x05BEGIN\x03\x02\0a\x07\x01z"),
    ("column_definition", "extended", b"\x03def\x01s\x01t\x01u\x01n\x01o\x0d\x00\x04json\x01\x05point\x0c\x3f\0\x01\0\0\0\xff\x81\0\0\0\0"),
    ("column_definition", "not_utf_8", b"\x03def\x01\xff\x01\xc3\x01\x84\x01n\x01o\x0c\x3f\0\x01\0\0\0\x03\x81\0\0\0\0"),
    ("handshake", "mysql", b"\x04\x51\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0\x17\0\xfemysql_native_password"),
    ("handshake", "clear", b"\x01\x35\0\x0a11.8\0\x08\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0clear\0\x08\0\xfeclear\0w\x02\0\x01x\x07\0\0\0\0\x02\0\0\0"),
    ("handshake", "too_many_connections", b"\0\x17\0\xff\x10\x04Too many connections"),
    ("auth_packets", "more_data", b"\0\x01abc"),
    ("auth_packets", "public_key", b"\0-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnFMD0jIp9d3YCzVVJWTs\nLaZ9ppXbb8GMvI/O0FZOoRK6LEPE2wc5bjTkmP4Jt1XUkLa1sImekdt+h36hlKNz\naQTVnAjM+ylKmyghmZHYlbiR+Xj2sBvBhE2CJfbcQSNwtB0msGNsd/IUa7qn6QaL\nUiVYK9a7Uvd+mu9pWePsmOjgW9v5cMnyglZB6cSxVCh4KSk2FJaxH+rCZybqtrh3\nWUW7GeDjBmzrphJw9M8Ip/tBVXOKAxhOzOEBAyx5QqeqFBcwQh2AytfwDeZMLCaW\nF4WIoMarxF8505XaoGKChVQZgVgbS7AF3m1JuIyuBk80JIBJReYSHnjGsYNiVoYX\nbwIDAQAB\n-----END PUBLIC KEY-----\n"),
    ("auth_packets", "ssl_request", b"\0\x00\x0a\0\0\0\0\0\x40\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("auth_packets", "change_user", b"\x06\x11user\0\x03abctest\0\xe0\0mysql_native_password\0\x05\x01k\x02vv"),
    ("text_row", "null", b"\x02\x03\0\x3f\xfd\0\x2d\xfb\xfb"),
    ("text_row", "decimals", b"\x02\xf6\0\x3f\x03\x20\x3f\x05-1.50\x03007"),
    ("text_row", "long_length", b"\x01\xfc\0\x3f\xfc\x03\0abc"),
    ("text_row", "bit", b"\x01\x10\x20\x3f\x08\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("binary_row", "integers", b"\x05\x01\0\x3f\x01\x20\x3f\x09\0\x3f\x0d\x20\x3f\x08\x20\x3f\0\0\xff\xff\xfd\xff\xff\xff\xe8\x07\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("binary_row", "nulls", b"\x07\x08\0\x3f\x06\0\x3f\x0c\0\x3f\x04\0\x3f\x05\0\x3f\x03\0\x3f\x02\0\x3f\0\xbc\x01\0\0\x80\x3f"),
    ("binary_row", "floats", b"\x02\x04\0\x3f\x05\0\x3f\0\0\0\0\x80\x3f\0\0\0\0\0\0\xf8\x7f"),
    ("binary_row", "dates", b"\x05\x0a\0\x3f\x0c\0\x3f\x07\xa0\x3f\x0c\0\x3f\x0c\0\x3f\0\0\x04\xe8\x07\0\0\0\x04\xe8\x07\x02\x1d\x07\xe8\x07\x02\x1d\x01\x02\x03\x0b\x0f\x27\x0c\x1f\x17\x3b\x3b\x3f\x42\x0f\0"),
    ("binary_row", "times", b"\x03\x0b\0\x3f\x0b\0\x3f\x0b\0\x3f\0\0\0\x08\0\0\0\0\0\x01\x02\x03\x0c\x01\x22\0\0\0\x16\x3b\x3b\x3f\x42\x0f\0"),
    ("binary_row", "strings", b"\x06\xf6\0\x3f\x10\x20\x3f\xfd\0\x2d\xfc\0\x3f\xff\0\x3f\xf5\0\x3f\0\0\x06-15.50\x02\x0a\xaa\x03abc\xfc\x02\0\xff\0\x01\0\x02{}"),
    ("binary_row", "parameters", b"\x03\x08\0\x3f\xfd\0\x2d\x06\0\x3f\x04\x01\x08\0\xfd\0\x06\0\x01\0\0\0\0\0\0\0\x01a"),
    ("values", "date", b"2024-02-29"),
    ("values", "zero_date", b"0000-00-00"),
    ("values", "datetime", b"9999-12-31 23:59:59.999999"),
    ("values", "datetime_short_fraction", b"2024-01-01 00:00:00.5"),
    ("values", "time", b"-838:59:59.999999"),
    ("values", "time_of_day", b"12:34:56"),
    ("values", "decimal", b"-12345678901234567890123456789.50"),
    ("values", "decimal_greatest", b"999999999999999999999999999.99999999999999999999999999999999999999"),
    ("values", "decimals_compared", b"1.50 1.5"),
    ("values", "negative_zero", b"-0.00"),
    ("url", "full", b"mariadb://ap%40p:s%2Fe@db.example.org:3307/my%20shop?connect_timeout=3s&io_timeout=500ms&drain_timeout=1&tcp-keepalive=2m&TCP_NODELAY=false&found_rows=true&init_command=SET%20@a=1&max_payload_bytes=2048&program_name=shop"),
    ("url", "socket", b"mysql://u@localhost/?socket=/run/my%20db.sock"),
    ("url", "ipv6", b"mariadb://[::1]:33/?unix_socket=x"),
    ("url", "host_behind_password", b"@host:3306/db?conect_timeout=1"),
    ("url", "options", b"connect_timeout=99999999999m&found_rows=maybe&x=%ff"),
    ("url", "hosts", b"mariadb://u:p@a:3307,b%2dc,[::1]:3308/db?ssl-mode=VERIFY_IDENTITY&tls-ca=/ca&require_ssl=true"),
    ("url", "hosts_behind_password", b"@a,b:1,[::2]/d,e?timezone=+02:00&charset=utf8mb4&restrictedAuth=client_ed25519,parsec"),
    ("url", "redirect", b"mariadb://app:s%2Fe@db.example.org:3307/shop?ttl=1500"),
    ("url", "redirect_behind_password", b"[::1]:3307/?TTL=9"),
    ("option_file", "client", b"# c\n[client]\nuser = a b ; c\npassword=\"x\\\"#y\" # z\nskip-ssl\nloose-x=1\nssl-verify-server-cert\nhost=a,[::1]:2\nprotocol=tcp\nsocket=/s\nprompt='\\u>'\n"),
    ("option_file", "includes", b"!include /b.cnf\n[mysqld]\nx y\n!includedir /d\n\0[client-server]\nport=3307\n!include /a.cnf\n"),
    ("option_file", "values", b"'\nmax_allowed_packet=16M\ninit-command=SET @a=1\nconnect-timeout=10\nssl-fp=ab:cd\ndisable-local-infile\n"),
    ("session", "greeting", b"\x01\x0c\0\x01\x4e\0\x0a11.8.2-MariaDB\0\x08\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0ijklmnopqrst\0mysql_native_password\0\x03\x09\x0c\x02\x01\x07\0\0\0\0\x02\0\0\0\x03"),
    ("session", "pipeline", b"\0\x06\x05\x01\0x\x07\x09\x02\x07\0\0\0\0\x02\0\0\0\x03\x02\x09\0\xff\x15\x04#28000\x03\x02\x07\0\0\0\0\x02\0\0\0\x04\x0b\x09"),
    ("session", "taken_back", b"\x00\x0b\x06\x08\x05\x0a"),
    ("session", "abandon", b"\0\x06\x08\x02\x05\x02\0xy\x0a\x09\x02\x07\0\0\0\0\x02\0\0\0\x04\x0b"),
    ("prepare", "ok", b"\x01\x0c\0\0\x01\0\0\0\x01\0\x01\0\0\0\0\x16\0\x03def\0\0\0\x01?\0\x0c\x3f\0\0\0\0\0\x06\x80\0\0\0\0\x16\0\x03def\0\0\0\x01c\0\x0c\x3f\0\x0b\0\0\0\x03\0\0\0\0\0"),
    ("prepare", "ok_and_eof", b"\0\x0c\0\0\x01\0\0\0\0\0\x01\0\0\0\0\x16\0\x03def\0\0\0\x01?\0\x0c\x3f\0\0\0\0\0\x06\x80\0\0\0\0\x05\0\xfe\0\0\x02\0"),
    ("prepare", "err", b"\x01\x09\0\xff\x28\x04#42000"),
    ("prepare", "execute", b"\x80\x03\0\x17\xff\xff\xff\xff\0\x01\0\0\0\x02\x01\x03\0\x06\0\xfd\0\x05\0\0\0\x02ab"),
    ("prepare", "bulk_execute", b"\x80\x02\0\xfa\xff\xff\xff\xff\x80\0\x03\0\xfd\0\0\x01\0\0\0\0\x01a\0\x02\0\0\0\x01"),
    ("prepare", "send_long_data", b"\x80\0\0\x18\x01\0\0\0\0\0abc"),
    ("prepare", "fetch", b"\x80\0\0\x1c\x01\0\0\0\x0a\0\0\0"),
    ("prepare", "close", b"\x80\0\0\x19\x01\0\0\0"),
    ("named", "names", b"\0SELECT :a, ':b', `:c`, \":d\", @e:=:f, g::h, :a -- :i\n + :j /* :k */ # :l"),
    ("named", "escapes", b"\0SELECT '\\\\', \"\\'\", :a, ''''"),
    ("named", "in_some_modes", b"\0SELECT '\\', :a, ''''"),
    ("named", "double_quotes", b"\0SELECT \"\\\\\", :a, \"\"\"\", 1 AS [a]"),
    ("named", "placeholders", b"\0SELECT ?, '?' --?\n - 1.5e-3 --- ?"),
    ("named", "lists", b"\xfcSELECT ? IN (?), a IN (?) AND b in ( ? ) -- IN (\n?)"),
    ("named", "named_lists", b"\xbca IN (:a) OR b NOT IN (:b) AND c = :c OR d IN (:a)"),
    ("literals", "text", b"\x02\0\0\x02\x06\0a'\\\n--SELECT ?, 1 -?, --?, N?, ?'b'"),
    ("literals", "backslashes", b"\x02\0\0\x01\x04\0a'\\\0SELECT '\\\\', ?, 1.5-?"),
    ("literals", "numbers", b"\x05\0\x02\x03\x04\x05\x06\x08\0\xff\xff\xff\xff\xff\xff\xff\xffSELECT 1--?, ?-?, ?.5, 1?"),
    ("literals", "dates", b"\x04\0\x07\x08\x09\x0a\x0a\x002024-02-29SELECT \"?\", ?, ?, :a, ?, ?"),
    ("named", "executable_comment", b"\0SELECT 1 /*M!100000 , :a */ /*! ? */ /*+ x */"),
];

/// Dialogues of plugins: the flags of the target, the default plugin, and what follows the greeting.
const DIALOGUES: [(&str, u8, &str, &[&[u8]]); 11] = [
    ("parsec", 0, NATIVE, &[PARSEC, EXT_SALT, OK]),
    (
        "parsec_then_ed25519",
        0x08,
        NATIVE,
        &[PARSEC, b"\x01P\0abcdefghijklmnopqr", ED25519, OK],
    ),
    (
        "dialog",
        0x01,
        NATIVE,
        &[
            b"\xfedialog\0\x04Password: ",
            b"\x01\x02Name: ",
            b"\x05PIN: ",
            OK,
        ],
    ),
    (
        "answer_with_nul",
        0x01,
        NATIVE,
        &[b"\xfedialog\0\x04Password: ", b"\x02a\0b", OK],
    ),
    (
        "clear_password",
        0x18,
        NATIVE,
        &[b"\xfemysql_clear_password\0", OK],
    ),
    (
        "sha2_cached",
        0,
        "caching_sha2_password",
        &[b"\x01\x03", OK],
    ),
    ("sha2_full", 0x18, "caching_sha2_password", &[b"\x04", OK]),
    ("sha256", 0x18, "sha256_password", &[OK]),
    ("proven", 0x48, NATIVE, &[PROOF]),
    ("proof_wanted", 0x28, NATIVE, &[ED25519, PROOF]),
    (
        "change_user",
        0x85,
        NATIVE,
        &[OK, b"\xfemysql_native_password\0abcdefghijklmnopqrst\0", OK],
    ),
];

const NATIVE: &str = "mysql_native_password";
const PARSEC: &[u8] = b"\xfeparsec\0abcdefghijklmnopqrstuvwxyz012345";
const ED25519: &[u8] = b"\xfeclient_ed25519\0abcdefghijklmnopqrstuvwxyz012345";
const EXT_SALT: &[u8] = b"P\0abcdefghijklmnopqr";
const OK: &[u8] = b"\0\0\0\x02\0\0\0";
/// An OK packet that proves the server to the target's password and certificate.
const PROOF: &[u8] =
    b"\0\0\0\x02\0\0\0\x41\x012DB66602022C0F1FCFE9D1FA65E712E320B8D4BF464AF0795E38250CD39E7B5F";
