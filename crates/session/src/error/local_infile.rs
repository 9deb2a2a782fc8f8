/// Why the content of a file was not sent for `LOAD DATA LOCAL`. The name of the file is never
/// looked at: it is whatever the server says, and a hostile one may name any.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalInfileError {
    /// Client and server do not both allow `LOAD DATA LOCAL`. The statement was not sent.
    #[error(
        "LOAD DATA LOCAL is not enabled: it needs `local_infile` in the configuration of the \
         connection and the variable local_infile on the server"
    )]
    NotEnabled,
    /// The server asked for the content of a file and the call had none, or had sent it already:
    /// nothing was sent. The statement and what follows it have run without it.
    #[error(
        "the server asked for a file of the client, and the statement came with the content of \
         none, or of one before: run LOAD DATA LOCAL by `load_data_local`, one file a call"
    )]
    NotAttached,
    /// The statement ran and did not ask for the content that it came with: it is no
    /// `LOAD DATA LOCAL`. The content was not read.
    #[error("the statement did not ask for the data that it came with: it is no LOAD DATA LOCAL")]
    NotRequested,
}
