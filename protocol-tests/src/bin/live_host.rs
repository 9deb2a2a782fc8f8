//! The process that the tests of the private server run and kill: it has the shared server in its
//! `static`, says where it is, and ends (`end`) or stays (`hold`).

use std::thread;
use std::time::Duration;

use protocol_tests::live;

fn main() {
    let server = live::shared();
    println!("port={}", server.port());
    println!("process={:?}", server.process_id());
    println!("socket={:?}", server.socket());
    if std::env::args().nth(1).as_deref() == Some("hold") {
        // For ever is too long for a host whose own test is killed.
        thread::sleep(Duration::from_secs(60));
    }
}
