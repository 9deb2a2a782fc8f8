//! Pipelines that are longer than any buffer.

use std::thread;

use allocation_counter::measure;
use otaria::{Connection, Pipeline, PipelineResults};
use protocol_tests::pipe::{Action, Peer};
use protocol_tests::script::{FakeStatement, Layers, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};

use crate::{INSERT, next_query_is_whole, statements};

const SELECT: &str = "SELECT long FROM t WHERE a = ?";

/// Serves one client like a server with a thread for it: it reads no further command before the
/// client has taken the answer to the last.
async fn serve(mut peer: Box<dyn Peer>, mut stream: DuplexStream) {
    let mut actions = peer.greet();
    let mut bytes = vec![0; 512];
    loop {
        for action in actions {
            match action {
                Action::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Action::Close | Action::Reset => return,
            }
        }
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(read) => actions = peer.receive(&bytes[..read]),
        }
    }
}

async fn read_all(results: &mut PipelineResults<'_, '_>) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    while let Some(result) = results.next().await {
        let mut rows = result.unwrap();
        while let Some(row) = rows.next().await.unwrap() {
            bytes += row.get::<&str>(0).unwrap().len();
        }
        count += 1;
    }
    (count, bytes)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The greatest number of bytes that the client held while it read the results.
fn most_bytes(layers: Layers, executes: usize) -> u64 {
    let kib = "x".repeat(1024);
    let statements = statements();
    statements.set(SELECT, FakeStatement::rows(1, &["long"], &[&[&kib]]));
    let mut pipeline = Pipeline::new();
    for number in 0..executes {
        pipeline.push(SELECT, (u64::try_from(number).unwrap(),));
    }
    let (client, server) = duplex(4096);
    let peer = layers.peer(statements.serve(Script::new()));
    let server = thread::spawn(|| runtime().block_on(serve(peer, server)));
    let runtime = runtime();
    let config = layers.config();
    let connection = Connection::connect_over(client, &config);
    let mut connection = runtime.block_on(connection).unwrap();
    let measured = measure(|| {
        runtime.block_on(async {
            let mut results = connection.query_pipeline(&pipeline).await.unwrap();
            let read = read_all(&mut results).await;
            assert_eq!(read, (executes, executes * 1024));
        });
    });
    runtime.block_on(next_query_is_whole(&mut connection));
    drop(connection);
    server.join().unwrap();
    assert_eq!(statements.prepares(), 2);
    assert_eq!(statements.executed().len(), executes + 1);
    measured.bytes_max
}

#[test]
fn pipelined_100_000_executes_that_each_return_1_kib_over_4_kib_socket_buffers_no_deadlock() {
    let most = most_bytes(Layers::None, 100_000);
    println!("100,000 executes: the client held {most} bytes at most");
    assert!(most < 128 * 1024, "{most}");
}

#[test]
fn a_long_pipeline_over_every_layer_takes_no_more_memory_than_a_short_one() {
    for layers in [Layers::Compression, Layers::Tls, Layers::CompressionInTls] {
        let (short, long) = (most_bytes(layers, 1_000), most_bytes(layers, 5_000));
        println!("{layers:?}: {short} bytes at most for 1,000 executes, {long} for 5,000");
        assert!(
            long < short + 64 * 1024 && long < 512 * 1024,
            "{layers:?}: {short} {long}"
        );
    }
}

#[test]
fn long_statements_are_queued_only_up_to_a_limit() {
    let statements = statements();
    let (client, server) = duplex(4096);
    let peer = Layers::None.peer(statements.serve(Script::new()));
    let server = thread::spawn(|| runtime().block_on(serve(peer, server)));
    let runtime = runtime();
    let config = Layers::None.config();
    let connection = Connection::connect_over(client, &config);
    let mut connection = runtime.block_on(connection).unwrap();
    // 60 MB in all.
    let long = "x".repeat(300_000);
    let mut pipeline = Pipeline::new();
    for number in 0..200 {
        pipeline.push(INSERT, (number, long.as_str()));
    }
    let measured = measure(|| {
        runtime.block_on(async {
            for result in connection.execute_pipeline(&pipeline).await.unwrap() {
                result.unwrap();
            }
        });
    });
    drop(connection);
    server.join().unwrap();
    assert_eq!(statements.executed().len(), 200);
    println!(
        "60 MB of parameters: the client held {} bytes at most",
        measured.bytes_max
    );
    assert!(
        measured.bytes_max < 8 * 1024 * 1024,
        "{}",
        measured.bytes_max
    );
}
