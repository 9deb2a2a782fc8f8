//! The floor: a blocking client that walks the packets' headers and looks at no value.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use sha1::{Digest, Sha1};
use url::Url;

use crate::{POINT, Task, Workload, point_key, scan_bin, scan_plain};

/// Does the task, of which there is nothing to sum up.
pub fn run(task: &Task) -> Result<(), Box<dyn std::error::Error>> {
    let mut client = Client::connect(&task.url)?;
    match task.workload {
        Workload::ScanPlain => client.scan(&scan_plain(task.count))?,
        Workload::ScanBin => client.scan(&scan_bin(task.count))?,
        Workload::Point => client.points(task.count)?,
        other => return Err(format!("{} is for Otaria alone", other.name()).into()),
    }
    Ok(())
}

/// Reads the rows of `sql` by the binary protocol.
pub fn scan(url: &str, sql: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(Client::connect(url)?.scan(sql)?)
}

/// Reads the rows of `sql` by the text protocol.
pub fn scan_text(url: &str, sql: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(Client::connect(url)?.scan_text(sql)?)
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Client {
    fn connect(url: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let url = Url::parse(url)?;
        let host = url.host_str().ok_or("a URL without a host")?;
        let stream = TcpStream::connect((host, url.port().unwrap_or(3306)))?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
        };

        let greeting = client.packet()?;
        let scramble = scramble_of(greeting).ok_or("a greeting of another kind")?;
        let password = url.password().unwrap_or_default();
        let mut login = Vec::new();
        login.extend((CLIENT_PROTOCOL_41_AND_WITH_DB).to_le_bytes());
        login.extend((1_u32 << 24).to_le_bytes());
        login.push(UTF8MB4_GENERAL_CI);
        login.extend([0; 23]);
        login.extend(url.username().as_bytes());
        login.extend([0, 20]);
        login.extend(native_password(password, &scramble));
        login.extend(url.path().trim_start_matches('/').as_bytes());
        login.extend(b"\0mysql_native_password\0");
        client.send(1, &login)?;
        match client.packet()?.first() {
            Some(0x00) => Ok(client),
            _ => Err("the login is refused".into()),
        }
    }

    fn scan(&mut self, sql: &str) -> io::Result<()> {
        let statement = self.prepare(sql)?;
        self.execute(statement, &[])
    }

    fn scan_text(&mut self, sql: &str) -> io::Result<()> {
        self.send(0, &[b"\x03", sql.as_bytes()].concat())?;
        self.pass_over_result()
    }

    fn points(&mut self, count: u32) -> io::Result<()> {
        let statement = self.prepare(POINT)?;
        for index in 0..count {
            // No NULLs, types follow, a LONG.
            let mut parameters = vec![0x00, 0x01, 0x03, 0x00];
            parameters.extend(point_key(index).to_le_bytes());
            self.execute(statement, &parameters)?;
        }
        Ok(())
    }

    fn prepare(&mut self, sql: &str) -> io::Result<[u8; 4]> {
        self.send(0, &[b"\x16", sql.as_bytes()].concat())?;
        let response = self.packet()?;
        let Some(&[0x00, a, b, c, d, columns, _, parameters, _]) = response.first_chunk() else {
            return Err(unexpected());
        };
        for definitions in [parameters, columns] {
            if definitions > 0 {
                self.pass_to_eof()?;
            }
        }
        Ok([a, b, c, d])
    }

    /// Executes and walks over the columns and rows.
    fn execute(&mut self, statement: [u8; 4], parameters: &[u8]) -> io::Result<()> {
        self.send(
            0,
            &[b"\x17", &statement[..], &[0, 1, 0, 0, 0], parameters].concat(),
        )?;
        self.pass_over_result()
    }

    fn pass_over_result(&mut self) -> io::Result<()> {
        if self.packet()?.first() == Some(&0xff) {
            return Err(unexpected());
        }
        self.pass_to_eof()?;
        self.pass_to_eof()
    }

    fn pass_to_eof(&mut self) -> io::Result<()> {
        loop {
            let payload = self.packet()?;
            if payload.len() < 9 && payload.first() == Some(&0xfe) {
                return Ok(());
            }
        }
    }

    fn send(&mut self, sequence: u8, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        let [a, b, c, _] = length.to_le_bytes();
        self.stream
            .write_all(&[&[a, b, c, sequence], payload].concat())
    }

    fn packet(&mut self) -> io::Result<&[u8]> {
        self.fill(4)?;
        let header = self.buffer[self.start..]
            .first_chunk()
            .ok_or_else(unexpected)?;
        let [a, b, c, _] = *header;
        let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        self.fill(4 + length)?;
        let payload = self.start + 4..self.start + 4 + length;
        self.start = payload.end;
        Ok(&self.buffer[payload])
    }

    /// Reads until so many bytes are there.
    #[inline]
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        if self.end - self.start >= bytes {
            return Ok(());
        }
        self.read_until(bytes)
    }

    #[cold]
    fn read_until(&mut self, bytes: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if bytes > self.buffer.len() {
            self.buffer.resize(bytes, 0);
        }
        while self.end < bytes {
            match self.stream.read(&mut self.buffer[self.end..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.end += read,
            }
        }
        Ok(())
    }
}

/// The twenty bytes in the two parts of an initial handshake packet of version 10.
fn scramble_of(greeting: &[u8]) -> Option<Vec<u8>> {
    let version = greeting.iter().skip(1).position(|byte| *byte == 0)?;
    let rest = greeting.get(1 + version + 1..)?;
    Some([rest.get(4..12)?, rest.get(31..43)?].concat())
}

/// `SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password)))`.
fn native_password(password: &str, scramble: &[u8]) -> impl Iterator<Item = u8> {
    let once = Sha1::digest(password);
    let mut salted = Sha1::new();
    salted.update(scramble);
    salted.update(Sha1::digest(once));
    once.into_iter().zip(salted.finalize()).map(|(a, b)| a ^ b)
}

fn unexpected() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// `LONG_PASSWORD`, `CONNECT_WITH_DB`, `PROTOCOL_41`, `TRANSACTIONS`, `SECURE_CONNECTION`,
/// `PLUGIN_AUTH`.
const CLIENT_PROTOCOL_41_AND_WITH_DB: u32 = 0x0008_a209;

const UTF8MB4_GENERAL_CI: u8 = 45;
const BUFFER_BYTES: usize = 256 * 1024;
