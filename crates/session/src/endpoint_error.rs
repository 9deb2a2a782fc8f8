use std::fmt;

use otaria_auth::AuthError;

use crate::{CloseReason, Endpoint, Error};

/// Why one endpoint cannot be used.
#[derive(Debug)]
pub struct EndpointError {
    endpoint: Endpoint,
    error: Error,
}

impl EndpointError {
    /// The failure `error` of `endpoint`.
    pub const fn new(endpoint: Endpoint, error: Error) -> Self {
        Self { endpoint, error }
    }

    /// The endpoint.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What was wrong with it.
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for EndpointError {
    /// The endpoint, the error and its causes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.error)?;
        let mut source = std::error::Error::source(&self.error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for EndpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Why no endpoint of a configuration can be used, in the order in which they were tried.
#[derive(Debug)]
pub struct EndpointErrors {
    errors: Vec<EndpointError>,
}

impl EndpointErrors {
    /// The failures `errors`, in their order.
    pub const fn new(errors: Vec<EndpointError>) -> Self {
        Self { errors }
    }

    /// Each endpoint and its error.
    pub fn iter(&self) -> std::slice::Iter<'_, EndpointError> {
        self.errors.iter()
    }

    /// The endpoint tried last, and its error.
    pub fn last(&self) -> Option<&EndpointError> {
        self.errors.last()
    }
}

impl<'a> IntoIterator for &'a EndpointErrors {
    type Item = &'a EndpointError;
    type IntoIter = std::slice::Iter<'a, EndpointError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for EndpointErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "none of {} servers can be used", self.errors.len())?;
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for EndpointErrors {}

impl Error {
    /// Whether the login failed for a reason of the endpoint's own, so that another one may be of
    /// use: it cannot be reached, does not answer, or says that it takes nobody for now.
    pub fn is_of_endpoint(&self) -> bool {
        match self {
            Self::Io { .. }
            | Self::ConnectionLost { .. }
            | Self::Timeout { .. }
            | Self::WrongRole { .. }
            // Behind the login, when nothing of what is asked then had left.
            | Self::Closed {
                reason: CloseReason::Lost | CloseReason::EndedByServer { .. },
            } => true,
            Self::Auth(AuthError::Server { code, .. } | AuthError::UnprovenServer { code, .. }) => {
                UNAVAILABLE.contains(code)
            }
            Self::EndedByServer(error) => UNAVAILABLE.contains(&error.code()),
            _ => false,
        }
    }
}

/// What servers say that take nobody for now, or nobody from here.
const UNAVAILABLE: [u16; 9] = [
    1040, // Too many connections
    1053, // Server shutdown in progress
    1129, // Host is blocked
    1130, // Host is not allowed to connect
    1203, // The user has more than max_user_connections
    1226, // The user has exceeded a resource of this server
    1927, // Connection was killed
    3032, // The server is in offline mode
    3168, // Server isn't available
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_denies_access_is_no_reason_for_another() {
        let refused = |code| {
            Error::Auth(AuthError::Server {
                code,
                sqlstate: None,
                message: String::new(),
            })
        };
        assert!(refused(1040).is_of_endpoint());
        for code in [1045, 1049, 3159, 1698] {
            assert!(!refused(code).is_of_endpoint(), "{code}");
        }
    }
}
