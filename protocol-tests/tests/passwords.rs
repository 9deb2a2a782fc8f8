//! What is left of a password in memory. A test binary of its own, so that nothing else knows it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use otaria::{Config, ConfigBuilder, Connection};
use otaria_auth::AuthSwitchRequest;
use protocol_tests::pipe::{Action, Cut, Peer, Pipe};
use protocol_tests::script::{Reply, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;

/// The password is this with each bit turned over: written as it is it would be found in the program.
const MASKED: [u8; 64] = masked();

const fn masked() -> [u8; 64] {
    let mut bytes = [0; 64];
    let mut state: u8 = 201;
    let mut index = 0;
    while index < bytes.len() {
        state = state.wrapping_mul(77).wrapping_add(13);
        bytes[index] = !(b'a' + state / 16);
        index += 1;
    }
    bytes
}

fn password() -> String {
    let bytes = MASKED.iter().map(|byte| !byte).collect();
    String::from_utf8(bytes).unwrap()
}

/// By a URL with the password behind `start`. It is the program's own, which overwrites it.
fn from_url(start: &str) -> ConfigBuilder {
    let mut url = Vec::with_capacity(100);
    url.extend(b"mariadb://u:");
    url.extend(start.bytes());
    url.extend(MASKED.iter().map(|byte| !byte));
    url.extend(b"@h/");
    let url = String::from_utf8(url).unwrap();
    let config: Config = url.parse().unwrap();
    url.into_bytes().fill(0);
    config.to_builder()
}

/// Counts where the memory of this process has the password, or its end: its beginning may be gone
/// because an allocator keeps its own numbers in what is free.
struct Search {
    memory: File,
    buffer: Vec<u8>,
}

impl Search {
    fn new() -> Self {
        Self {
            memory: File::open("/proc/self/mem").unwrap(),
            buffer: vec![0; 1 << 20],
        }
    }

    fn count(&mut self) -> usize {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut found = 0;
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (range, flags) = (words.next().unwrap(), words.next().unwrap());
            if !flags.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|end| u64::from_str_radix(end, 16).unwrap());
            found += self.count_between(start, end);
        }
        found
    }

    fn count_between(&mut self, mut start: u64, end: u64) -> usize {
        let end_of_password = &MASKED[MASKED.len() / 2..];
        let mut found = 0;
        while start < end {
            let bytes = (end - start).min(self.buffer.len() as u64);
            let part = &mut self.buffer[..bytes as usize];
            self.memory.seek(SeekFrom::Start(start)).unwrap();
            // What a guard page keeps from being read, nobody has written.
            if self.memory.read_exact(part).is_ok() {
                let is_it = |window: &&[u8]| {
                    let bytes = window.iter().zip(end_of_password);
                    bytes.clone().all(|(byte, masked)| *byte == !masked)
                };
                found += part.windows(end_of_password.len()).filter(is_it).count();
            }
            // Nor is it to be found here by the next search.
            part.fill(0);
            let overlap = end_of_password.len() as u64;
            start += if bytes > overlap && start + bytes < end {
                bytes - overlap
            } else {
                bytes
            };
        }
        found
    }
}

/// One test at a time: they have one password.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn nothing_is_left_in_memory_of_a_password_whose_connection_and_configuration_are_gone() {
    let _alone = ALONE.lock().await;
    let mut search = Search::new();
    assert_eq!(search.count(), 0);
    let ways: [fn() -> ConfigBuilder; 3] = [
        || Config::builder().password(password()),
        || from_url(""),
        || from_url("%20"),
    ];
    for way in ways {
        let config = way().build().unwrap();
        let script = Script::new().answer(|payload| (payload[0] == 0x11).then(Reply::ok));
        let pipe = Pipe::new(script, Cut::Whole);
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        assert!(search.count() > 0, "it is needed");
        connection.change_user("v", password(), None).await.unwrap();
        drop((connection, config));
        assert_eq!(search.count(), 0);
    }
}

/// Asks for the password itself, and forgets it.
async fn serve_one(listener: UnixListener) -> UnixStream {
    let asks = Reply::new().packet(&AuthSwitchRequest {
        auth_plugin: "mysql_clear_password",
        plugin_data: b"",
    });
    let mut script = Script::new().login(asks);
    let (mut stream, _) = listener.accept().await.unwrap();
    send(&mut stream, Peer::greet(&mut script)).await;
    let mut buffer = vec![0; 1000];
    let read = stream.read(&mut buffer).await.unwrap();
    send(&mut stream, script.receive(&buffer[..read])).await;
    let read = stream.read(&mut buffer).await.unwrap();
    // With a header, and a NUL behind it.
    assert_eq!(read, 4 + MASKED.len() + 1);
    buffer.fill(0);
    let ok = [7, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0];
    send(&mut stream, vec![Action::Send(ok.to_vec())]).await;
    stream
}

async fn send(stream: &mut UnixStream, actions: Vec<Action>) {
    for action in actions {
        let Action::Send(bytes) = action else {
            panic!("{action:?}");
        };
        stream.write_all(&bytes).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_left_in_memory_of_a_password_that_was_sent_as_it_is() {
    let _alone = ALONE.lock().await;
    let mut search = Search::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let server = serve_one(UnixListener::bind(&path).unwrap());
    let config = Config::builder().socket(&path).user("u");
    let config = config.password(password()).clear_password(true);
    let config = config.build().unwrap();
    let (connection, stream) = tokio::join!(Connection::connect(&config), server);
    let connection = connection.unwrap();
    assert!(search.count() > 0, "it is needed");
    drop((connection, config, stream));
    assert_eq!(search.count(), 0);
}
