//! Connects to the URL of its argument and prints how the server was proven. A program of its own,
//! for the authorities of the system are those of a process's environment.

use otaria::{Config, Connection};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let config: Config = url.parse().expect("a URL of the driver");
    match Connection::connect(&config).await {
        Ok(connection) => println!("{:?}", connection.tls().map(|tls| &tls.proof)),
        Err(error) => println!("{error:?}"),
    }
}
