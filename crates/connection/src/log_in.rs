use otaria_session::{
    Channel, Config, DerivedKey, Endpoint, Error, Event, KeyDerivation, Pem, Session,
};
use tokio::task::spawn_blocking;

use crate::Connection;
use crate::connect::Failure;
use crate::deadline::Limits;
use crate::files::read_file;
use crate::transport::Transport;

impl Connection {
    /// Logs in, and no more, to the server at `endpoint`, at whose other end `transport` is.
    pub(crate) async fn log_in(
        transport: Transport,
        channel: Channel,
        endpoint: &Endpoint,
        config: &Config,
    ) -> Result<Self, Failure> {
        let entropy = entropy().map_err(Failure::local)?;
        let config = with_credentials(config).await.map_err(Failure::local)?;
        let mut connection = Self {
            session: Session::new(&config, channel, entropy),
            transport: Some(transport),
            config,
            needs_flush: false,
            endpoint: endpoint.clone(),
            redirect_error: None,
            is_limited: false,
            limits: Limits::default(),
            kill_is_in_doubt: false,
        };
        connection.take_limits();
        let mut event = None;
        loop {
            let next = match event.take() {
                Some(event) => event,
                None => connection.event().await?,
            };
            match next {
                Event::Connected => return Ok(connection),
                #[cfg(feature = "tls")]
                Event::StartTls => {
                    connection.flush().await?;
                    let context = crate::tls::context(&connection.config).await;
                    let context = context.map_err(Failure::local)?;
                    let started = connection.session.start_tls(&context, host(endpoint));
                    started.map_err(|error| connection.closed(error))?;
                }
                other => event = connection.answer_login(other).await?,
            }
        }
    }

    /// Does what the login asks of the shell, and says what follows at once.
    pub(crate) async fn answer_login(&mut self, event: Event) -> Result<Option<Event>, Error> {
        let answered = match event {
            Event::Prompt(prompt) => {
                let Some(handler) = self.config.prompt_handler().cloned() else {
                    return Err(Error::Prompt { source: None });
                };
                let answer = handler.answer(prompt).await;
                let answer = answer.map_err(|source| Error::Prompt {
                    source: Some(source),
                })?;
                self.session.answer(&answer)
            }
            Event::Derive(derivation) => {
                let key = derive(derivation).await?;
                self.session.derived(key)
            }
            _ => Ok(None),
        };
        answered.map_err(|error| self.closed(error))
    }
}

/// Random bytes for one login.
pub(crate) fn entropy() -> Result<[u8; 32], Error> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| Error::LocalIo {
        action: "get random bytes from the operating system".to_owned(),
        source: error.into(),
    })?;
    Ok(entropy)
}

/// Makes a key of the password, off the executor if that takes long.
pub(crate) async fn derive(derivation: KeyDerivation) -> Result<DerivedKey, Error> {
    if derivation.rounds() <= ROUNDS_AT_ONCE {
        return Ok(derivation.derive());
    }
    let derived = spawn_blocking(move || derivation.derive()).await;
    // A runtime that is shutting down.
    derived.map_err(|error| Error::LocalIo {
        action: "derive a key from the password".to_owned(),
        source: error.into(),
    })
}

/// `config` with the credentials for this connection, if they are to be asked for.
async fn with_credentials(config: &Config) -> Result<Config, Error> {
    let Some(provider) = config.credentials_provider() else {
        return Ok(config.clone());
    };
    let credentials = provider.credentials().await;
    let credentials = credentials.map_err(Error::Credentials)?;
    Ok(config.with_credentials(credentials)?)
}

/// `config` with the public key of the server in place of the file that holds it.
pub(crate) async fn with_public_key(config: Config) -> Result<Config, Error> {
    let Some(Pem::File(path)) = config.server_public_key().cloned() else {
        return Ok(config);
    };
    let pem = read_file("server_public_key", path).await?;
    Ok(config.with_server_public_key(&pem)?)
}

/// The name that the server's certificate must be for. A Unix socket leads to this machine.
#[cfg(feature = "tls")]
fn host(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Tcp { host, .. } => host,
        Endpoint::UnixSocket(_) => "localhost",
    }
}

/// Rounds of PBKDF2 that take a few milliseconds; more of them would hold up the executor.
const ROUNDS_AT_ONCE: u32 = 8192;
