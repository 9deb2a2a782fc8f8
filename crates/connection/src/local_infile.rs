use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use otaria_session::{Error, Event, Executed, LocalInfileError};
use tokio::io::{AsyncRead, ReadBuf};

use crate::Connection;
use crate::deadline::until;
use crate::io::poll_read;

impl Connection {
    /// Runs SQL that holds one `LOAD DATA LOCAL INFILE`, by the text protocol, with `data` as the
    /// content of the file: a file, a byte slice, or whatever can be read. Says what the last of
    /// its results did.
    ///
    /// It needs [`local_infile`](otaria_session::ConfigBuilder::local_infile) in the
    /// configuration, and the variable `local_infile` on the server. The name of the file in the
    /// statement is for nothing but the server's messages: no file is ever opened here.
    ///
    /// `data` is read as the server takes it, 64 KiB at a time, and not before the server asks
    /// for it. A server waits for `net_read_timeout` (30 s by default) for more, and ends the
    /// session then.
    ///
    /// ```no_run
    /// # async fn load(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// let sql = "LOAD DATA LOCAL INFILE 'items' INTO TABLE item FIELDS TERMINATED BY ','";
    /// let loaded = connection.load_data_local(sql, b"1,chair\n2,table\n".as_slice()).await?;
    /// assert_eq!(loaded.affected_rows, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Half of the data
    /// The protocol has no word for a file that could not be read to its end. If `data` fails, or
    /// the future is dropped, the server takes what was sent until then for the whole, a line cut
    /// at its end included, and with autocommit it commits, unless the next call stops it because it
    /// takes long over that
    /// ([`cancel_policy`](otaria_session::ConfigBuilder::cancel_policy)). In a transaction it can be
    /// rolled back.
    ///
    /// # Errors
    /// - [`Error::LocalInfile`] if it is not enabled, in which case nothing was sent; if the
    ///   statement is no `LOAD DATA LOCAL`; or if it asks for a second file.
    /// - [`Error::LocalIo`] that says that `data` could not be read.
    /// - [`Error::Server`] if the server refuses the statement.
    ///
    /// In all of these the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe for the connection: the next call ends the file where it is and deals with the response
    /// as [for every statement](Connection#cancel-safety). For the rows see above.
    pub fn load_data_local(
        &mut self,
        sql: &str,
        data: impl AsyncRead + Unpin,
    ) -> impl Future<Output = Result<Executed, Error>> {
        self.begin_call();
        self.load_within_call(sql, data)
    }

    async fn load_within_call(
        &mut self,
        sql: &str,
        data: impl AsyncRead + Unpin,
    ) -> Result<Executed, Error> {
        self.ready_within_call().await?;
        self.session.load_data_local(sql)?;
        let mut source = Source::new(data);
        let mut executed = Ok(Executed::default());
        while self.session.is_response_due() {
            match self.event().await? {
                Event::LocalInfile => self.upload(&mut source).await?,
                Event::Ok(last) | Event::ResultSetEnd(last) => executed = Ok(last),
                Event::Err(error) => executed = Err(Error::Server(error)),
                Event::LocalInfileRefused => {
                    executed = Err(Error::LocalInfile(LocalInfileError::NotAttached));
                }
                _ => {}
            }
        }
        match source.state {
            State::Failed(source) => Err(Error::LocalIo {
                action: "read the data to load".to_owned(),
                source,
            }),
            State::Unread if executed.is_ok() => {
                Err(Error::LocalInfile(LocalInfileError::NotRequested))
            }
            _ => executed,
        }
    }

    /// Sends all of `source`, or what can be read of it.
    async fn upload(&mut self, source: &mut Source<impl AsyncRead + Unpin>) -> Result<(), Error> {
        source.state = State::Open;
        while let State::Open = source.state {
            self.fill_chunk(source).await?;
            self.session.upload(source.chunk());
            source.sent();
            if !matches!(source.state, State::Open) {
                self.session.end_upload();
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits until there is something to send, and hears what the server says in the meantime.
    pub(crate) async fn fill_chunk(
        &mut self,
        source: &mut Source<impl AsyncRead + Unpin>,
    ) -> Result<(), Error> {
        loop {
            self.check_whole()?;
            let limit = self.call_limit();
            let (session, transport) = (&mut self.session, &mut self.transport);
            // How long the caller takes for its data is not the server's fault, but counts for the
            // call.
            let heard = poll_fn(|context| {
                if source.poll_fill(context).is_ready() {
                    return Poll::Ready(None);
                }
                match transport {
                    Some(transport) => poll_read(session, transport, context).map(Some),
                    None => Poll::Pending,
                }
            });
            match until(limit, heard).await {
                Some(None) => return Ok(()),
                Some(Some(read)) => self.heard(read)?,
                None => return Err(self.call_timed_out().await),
            }
        }
    }
}

/// What is sent as it is read, and a piece of it that was not sent.
pub(crate) struct Source<R> {
    data: R,
    chunk: Box<[u8]>,
    filled: usize,
    pub(crate) state: State,
}

pub(crate) enum State {
    /// The server has not asked for it.
    Unread,
    Open,
    AtEnd,
    Failed(io::Error),
}

impl<R: AsyncRead + Unpin> Source<R> {
    pub(crate) fn new(data: R) -> Self {
        Self {
            data,
            chunk: Box::default(),
            filled: 0,
            state: State::Unread,
        }
    }

    /// What was read and not sent.
    pub(crate) fn chunk(&self) -> &[u8] {
        self.chunk.get(..self.filled).unwrap_or_default()
    }

    /// The chunk has been sent.
    pub(crate) const fn sent(&mut self) {
        self.filled = 0;
    }

    /// Reads until the chunk is full or no more is there for now. Ready if anything is to be sent,
    /// or nothing more can be read.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.chunk.is_empty() {
            self.chunk = vec![0; CHUNK_BYTES].into();
        }
        while let State::Open = self.state {
            let room = self.chunk.get_mut(self.filled..).unwrap_or_default();
            if room.is_empty() {
                break;
            }
            let mut buffer = ReadBuf::new(room);
            match Pin::new(&mut self.data).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.state = State::AtEnd,
                Poll::Ready(Ok(())) => self.filled += buffer.filled().len(),
                Poll::Ready(Err(error)) => self.state = State::Failed(error),
                Poll::Pending if self.filled > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

/// How much is read and sent at a time: enough for the time a packet takes not to matter.
const CHUNK_BYTES: usize = 64 * 1024;
