//! A connection that runs pipelines and batches, with any server: whatever it answers, each statement
//! gets one result, and nothing is waited for without end.
#![no_main]

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use libfuzzer_sys::fuzz_target;
use otaria_auth::{InitialHandshake, SCRAMBLE_BYTES};
use otaria_codec::{Capabilities, OkPacket, PacketEncoder, ServerStatus};
use otaria_connection::{BatchExecuted, Config, Connection, Error, Pipeline, SslMode};
use otaria_fuzz::Input;
use otaria_types::ValueRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let options = input.byte();
    let calls = input.byte();
    let server = Server::new(input);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build();
    runtime
        .expect("a runtime")
        .block_on(run(server, options, calls));
});

async fn run(server: Server, options: u8, calls: u8) {
    let config = Config::builder()
        .user("u")
        .ssl_mode(SslMode::Disable)
        .server_prepared_statements(options & 1 == 0)
        .statement_cache_capacity(usize::from(options >> 1 & 3))
        .multi_statements(options & 8 != 0);
    let config = config.build().expect("a configuration");
    let connected = Connection::connect_over(server, &config).await;
    let mut connection = connected.expect("a login that is always the same");
    for call in 0..4 {
        match calls >> (2 * call) & 3 {
            0 => pipeline(&mut connection).await,
            1 => in_a_transaction(&mut connection).await,
            2 => batch(&mut connection, true).await,
            _ => batch(&mut connection, false).await,
        }
        if connection.close_reason().is_some() {
            assert!(!connection.is_idle());
        }
    }
}

const STATEMENTS: [&str; 6] = [
    "SELECT a FROM t WHERE a = ?",
    "UPDATE t SET a = ?",
    "SELECT a FROM t WHERE a = ?",
    "CALL p(?)",
    "INSERT INTO t VALUES (?) RETURNING a",
    "SELECT b FROM t WHERE a = ?",
];

fn statements() -> Pipeline<'static> {
    let mut pipeline = Pipeline::new();
    for (number, sql) in STATEMENTS.into_iter().enumerate() {
        pipeline.push(sql, (number,));
    }
    pipeline
}

/// Reads the results, of which there are as many as statements.
async fn pipeline(connection: &mut Connection) {
    let statements = statements();
    let mut taken = 0;
    let Ok(mut results) = connection.query_pipeline(&statements).await else {
        return;
    };
    while results.remaining() > 0 {
        assert_eq!(results.remaining(), statements.len() - taken);
        let Some(result) = results.next().await else {
            panic!("a statement has no result");
        };
        taken += 1;
        let Ok(mut rows) = result else { continue };
        while let Ok(Some(row)) = rows.next().await {
            for index in 0..row.len() {
                // Whatever it is, or is not.
                let _ = row.get::<ValueRef<'_>>(index);
            }
        }
    }
    assert!(results.next().await.is_none());
}

/// No result of a statement is given where the transaction is known to have ended.
async fn in_a_transaction(connection: &mut Connection) {
    let Ok(mut transaction) = connection.transaction().await else {
        return;
    };
    let statements = statements();
    let Ok(results) = transaction.execute_pipeline(&statements).await else {
        return;
    };
    assert_eq!(results.len(), statements.len());
    let mut has_ended = false;
    for result in results {
        assert!(!has_ended || result.is_err(), "a result from outside");
        let is_aborted = matches!(result, Err(Error::TransactionAborted { .. }));
        has_ended |= is_aborted;
    }
    let committed = transaction.commit().await;
    assert!(!has_ended || committed.is_err());
}

async fn batch(connection: &mut Connection, unit_results: bool) {
    const ROWS: u64 = 3;
    let batch = connection.batch("INSERT INTO t (a) VALUES (?)");
    let batch = batch.unit_results(unit_results);
    match batch.run((0..ROWS).map(|row| (row,))).await {
        Ok(BatchExecuted {
            rows,
            unit_results: units,
            ..
        }) => {
            assert_eq!(rows, ROWS);
            assert!(units.is_empty() || units.len() == 3);
            assert!(unit_results || units.is_empty());
        }
        Err(Error::Batch(error)) => {
            assert!(
                error.rows_confirmed + error.rows_unknown <= ROWS,
                "{error:?}"
            );
        }
        Err(_) => {}
    }
}

/// Logs a client in, and sends what the input says, a packet a read; at the end of the input it goes.
struct Server {
    /// Each with a byte in front: 0 for the next packet of a response, 1 for the first, and else bytes
    /// as they are.
    answers: VecDeque<Vec<u8>>,
    packets: PacketEncoder,
    to_client: VecDeque<u8>,
    logs_in: bool,
}

impl Server {
    fn new(input: Input<'_>) -> Self {
        let capabilities = Capabilities::from_words(0x81ff_fffe, 0x3d)
            - Capabilities::SSL
            - Capabilities::COMPRESS;
        let greeting = InitialHandshake {
            server_version: b"11.8.2-MariaDB",
            thread_id: 8,
            scramble: [1; SCRAMBLE_BYTES],
            capabilities,
            collation: 45,
            status: ServerStatus::AUTOCOMMIT,
            default_auth_plugin: "mysql_native_password",
        };
        let mut server = PacketEncoder::new();
        server.packet(&greeting, capabilities);
        Self {
            answers: input.payloads().map(<[u8]>::to_vec).collect(),
            to_client: server.take().into(),
            packets: server,
            logs_in: true,
        }
    }

    fn next(&mut self) -> Vec<u8> {
        let answer = self.answers.pop_front().unwrap_or_default();
        let Some((form, payload)) = answer.split_first() else {
            return Vec::new();
        };
        match form {
            0 => {}
            1 => self.packets.set_sequence_number(1),
            _ => return payload.to_vec(),
        }
        self.packets.payload(|out| out.bytes(payload));
        self.packets.take()
    }
}

impl AsyncRead for Server {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.to_client.is_empty() {
            let next = self.next();
            self.to_client.extend(next);
        }
        let length = buffer.remaining().min(self.to_client.len());
        for byte in self.to_client.drain(..length) {
            buffer.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.logs_in) {
            let ok = OkPacket {
                status: ServerStatus::AUTOCOMMIT,
                ..OkPacket::default()
            };
            self.packets.set_sequence_number(2);
            self.packets.packet(&ok, Capabilities::empty());
            let login = self.packets.take();
            self.to_client.extend(login);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
