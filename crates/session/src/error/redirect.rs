/// Why a server's redirection was not followed, though that is permitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// TLS has not proven who the server is, and anybody may have said it.
    #[error(
        "the server has not proven who it is: set `ssl_mode` to verify-ca or verify-full, so that it \
         has to"
    )]
    Unproven,
    /// A server that the client was sent to sends it on. One step is followed, so there is no loop.
    #[error(
        "the server that the client was sent to sends it on: let `redirect_url` of the first one name \
         the last"
    )]
    Again,
    /// What the server names is not one host.
    #[error("`redirect_url` of the server does not name one host: it is mariadb://host:port")]
    Invalid,
}
