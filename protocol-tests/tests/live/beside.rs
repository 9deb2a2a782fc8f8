//! Prepared statements beside a connection, on its socket: to see what the server itself does.

use std::io::{Read, Write};
use std::net::TcpStream;

use otaria::Connection;
use otaria_binary::Parameters;
use otaria_codec::{Encode, PayloadWriter, ResponseEvent, ResponseReader};
use otaria_statement::{
    ComStmtClose, ComStmtExecute, ComStmtPrepare, ComStmtPrepareOk, PrepareEvent, PrepareReader,
    StatementId,
};
use otaria_types::Params;
use protocol_tests::live;

/// A connection whose socket is also used from beside it.
pub struct Beside {
    pub connection: Connection,
    socket: TcpStream,
    prepared: Option<StatementId>,
}

impl Beside {
    /// A connection with this default database, if the name is not empty.
    pub async fn connect(database: &str) -> Self {
        let server = live::shared();
        let config = server.in_clear(database).unwrap().build().unwrap();
        let socket = TcpStream::connect((server.host(), server.port())).unwrap();
        // A close is followed by a prepare, and neither waits for the other.
        socket.set_nodelay(true).unwrap();
        let stream = socket.try_clone().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let connection = Connection::connect_over(stream, &config).await.unwrap();
        Self {
            connection,
            socket,
            prepared: None,
        }
    }

    /// How many placeholders the server finds in `sql`; `None` if it refuses the statement.
    pub fn placeholders(&mut self, sql: &str) -> Option<u16> {
        let prepared = self.alone(|this| this.prepare(sql)).ok()?;
        Some(prepared.parameters)
    }

    /// Runs `sql`, which gives no rows, with binary parameters; the error code if it is refused.
    pub fn execute(&mut self, sql: &str, params: &impl Params) -> Result<(), u16> {
        let mut parameters = Parameters::new();
        parameters.set(params).unwrap();
        let mut encoded = Vec::new();
        let capabilities = self.connection.capabilities();
        parameters.encode(capabilities, &mut PayloadWriter::new(&mut encoded));
        self.alone(|this| {
            let statement = this.prepare(sql)?.statement;
            this.send(&ComStmtExecute::new(statement, &encoded));
            let response = this.receive();
            match ResponseReader::new(capabilities).read(&response).unwrap() {
                ResponseEvent::Ok(_) => Ok(()),
                ResponseEvent::Err(err) => Err(err.code),
                other => panic!("{other:?}"),
            }
        })
    }

    /// Prepares `sql`, and closes the statement that was prepared before.
    fn prepare(&mut self, sql: &str) -> Result<ComStmtPrepareOk, u16> {
        if let Some(statement) = self.prepared.take() {
            self.send(&ComStmtClose { statement });
        }
        self.send(&ComStmtPrepare::new(sql));
        let mut reader = PrepareReader::new(self.connection.capabilities());
        let mut prepared = None;
        while !reader.is_done() {
            match reader.read(&self.receive()).unwrap() {
                PrepareEvent::PrepareOk(ok) => prepared = Some(ok),
                PrepareEvent::Err(err) => return Err(err.code),
                _ => {}
            }
        }
        self.prepared = prepared.map(|ok| ok.statement);
        Ok(prepared.unwrap())
    }

    /// Does what is done with the socket alone: the connection's handle shares its mode.
    fn alone<T>(&mut self, exchange: impl FnOnce(&mut Self) -> T) -> T {
        self.socket.set_nonblocking(false).unwrap();
        let result = exchange(self);
        self.socket.set_nonblocking(true).unwrap();
        result
    }

    fn send(&mut self, command: &impl Encode) {
        let mut packet = vec![0; 4];
        command.encode(
            self.connection.capabilities(),
            &mut PayloadWriter::new(&mut packet),
        );
        let length = u32::try_from(packet.len() - 4).unwrap().to_le_bytes();
        packet[..3].copy_from_slice(&length[..3]);
        self.socket.write_all(&packet).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        self.socket.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).unwrap();
        payload
    }
}
