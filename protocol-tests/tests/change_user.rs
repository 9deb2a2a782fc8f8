//! `COM_CHANGE_USER` against a fake server: the dialogue, its refusals, and futures dropped at
//! every poll.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use otaria::{CloseReason, Compression, Config, Connection, Error};
use otaria_auth::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, AuthSwitchRequest, Channel, ComChangeUser,
    Password, Prompt,
};
use otaria_codec::{Capabilities, Decode, OkPacket, PayloadWriter, ServerStatus, SessionChange};
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{CAPABILITIES, Heard, Layers, Reply, Script};

const QUERY: &str = "SELECT 'new'";
const INIT: &str = "SET @init = 1";

fn switch(auth_plugin: &str, plugin_data: &[u8]) -> Reply {
    Reply::new().packet(&AuthSwitchRequest {
        auth_plugin,
        plugin_data,
    })
}

fn accepted() -> Reply {
    let mut changes = Vec::new();
    let mut writer = PayloadWriter::new(&mut changes);
    SessionChange::Schema(b"reports").encode(&mut writer);
    SessionChange::SystemVariable {
        name: b"autocommit",
        value: b"ON",
    }
    .encode(&mut writer);
    Reply::new().packet(&OkPacket {
        status: ServerStatus::AUTOCOMMIT | ServerStatus::SESSION_STATE_CHANGED,
        session_state: &changes,
        ..OkPacket::default()
    })
}

fn refused() -> Reply {
    Reply::err(1045, *b"28000", "Access denied")
}

/// A parsec dialogue whose key takes `1024 << factor` rounds.
fn parsec(factor: u8) -> Reply {
    let salt = [b"\x01P".as_slice(), &[factor], &[b's'; 18]].concat();
    let last = Reply::new().payload(salt).then_answer(accepted());
    switch("parsec", &[b'n'; 32]).then_answer(last)
}

/// Every user has a dialogue of its own.
fn dialogue(user: &str) -> Reply {
    let native = switch("mysql_native_password", b"ssssssssssssssssssss\0");
    match user {
        "reader" => native.then_answer(accepted()),
        "wrong" => native.then_answer(refused()),
        "wrong for MySQL" => native.then_answer(refused().close()),
        "direct" => accepted(),
        "unknown" => switch("of_nobody", b""),
        "parsec" => parsec(0),
        "slow parsec" => parsec(4),
        "asked" => switch("asks", b"data").then_answer(accepted()),
        "silent" => native.then_answer(Reply::new()),
        "hostile" => Reply::new().payload(b"\xfb/etc/passwd".to_vec()),
        other => panic!("no such user: {other}"),
    }
}

fn script() -> Script {
    Script::new()
        .on(&ComQuery::new(QUERY), Reply::rows(&["new"], [["new"]]))
        .on(&ComQuery::new(INIT), Reply::ok())
        .on(
            &ComQuery::new("BEGIN"),
            Reply::new().packet(&OkPacket {
                status: ServerStatus::IN_TRANS | ServerStatus::AUTOCOMMIT,
                ..OkPacket::default()
            }),
        )
        .answer(|payload| {
            let capabilities = CAPABILITIES | Capabilities::CONNECT_ATTRS;
            let change = ComChangeUser::decode(payload, capabilities).ok()?;
            Some(dialogue(change.user))
        })
}

/// One for all: each new one reads the authorities of the system.
fn config() -> Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let config = Config::builder()
            .user("first")
            .password("p")
            .database("shop")
            // Keys are derived in real time, which may be long on a machine that has much to do.
            .connect_timeout(PATIENCE)
            .drain_timeout(PATIENCE);
        let config = config.compression(Compression::default().with_threshold(0));
        config.init_command(INIT).build().unwrap()
    });
    config.clone()
}

const PATIENCE: Duration = Duration::from_secs(300);

/// A connection that is cut as `cut` says from now on, and what the server hears on it.
async fn connected(config: &Config, cut: Cut, layers: Layers) -> (Connection, PipeHandle, Heard) {
    let script = script();
    let heard = script.heard();
    let pipe = layers.serve(script);
    let handle = pipe.handle();
    let connection = Connection::connect_over(pipe, config).await.unwrap();
    handle.set_cut(cut);
    (connection, handle, heard)
}

async fn next_query_is_whole(connection: &mut Connection) {
    let rows = connection.simple_query(QUERY).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows[0].0, "new");
    assert!(connection.is_idle());
}

#[tokio::test]
async fn a_change_of_user_leads_to_a_session_as_after_a_login() {
    for layers in Layers::ALL {
        let (mut connection, handle, heard) = connected(&config(), Cut::Whole, layers).await;
        connection.simple_execute("BEGIN").await.unwrap();
        assert!(connection.status().is_in_transaction());
        assert_eq!(connection.session_state().system_variables().count(), 0);
        connection
            .change_user("reader", "q", Some("reports"))
            .await
            .unwrap();
        assert!(!connection.status().is_in_transaction());
        assert!(connection.status().is_autocommit());
        let state = connection.session_state();
        assert_eq!(state.schema(), Some("reports"));
        assert_eq!(state.system_variable("autocommit"), Some("ON"));
        assert_eq!(connection.config().user(), "reader");
        assert_eq!(connection.config().database(), Some("reports"));
        assert_eq!(connection.thread_id(), 7);
        assert_eq!(heard.take().len(), 1);
        if layers == Layers::None {
            let sent = handle.received();
            assert!(
                sent.ends_with(INIT.as_bytes()),
                "the init command ran again"
            );
        }
        next_query_is_whole(&mut connection).await;
        // And on from there.
        connection.change_user("direct", "", None).await.unwrap();
        assert_eq!(connection.config().database(), None);
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn a_refused_change_leaves_the_user_and_rolls_back() {
    for layers in Layers::ALL {
        let (mut connection, _, _) = connected(&config(), Cut::Every(2), layers).await;
        connection.simple_execute("BEGIN").await.unwrap();
        let error = connection
            .change_user("wrong", "q", None)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1045));
        assert!(!connection.status().is_in_transaction());
        assert_eq!(connection.config().user(), "first");
        assert_eq!(connection.session_state().schema(), Some("shop"));
        assert!(connection.is_idle());
        next_query_is_whole(&mut connection).await;
        connection.change_user("reader", "q", None).await.unwrap();
        assert_eq!(connection.config().user(), "reader");
    }
}

#[tokio::test]
async fn a_refusal_is_the_error_where_the_server_closes_behind_it() {
    for layers in Layers::ALL {
        let (mut connection, _, _) = connected(&config(), Cut::Whole, layers).await;
        let error = connection
            .change_user("wrong for MySQL", "q", None)
            .await
            .unwrap_err();
        let is_refusal = matches!(&error, Error::Server(error) if error.code() == 1045);
        assert!(is_refusal, "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Lost));
    }
}

#[tokio::test]
async fn a_refused_change_is_followed_by_the_settings_of_the_session() {
    let (mut connection, handle, _) = connected(&config(), Cut::Whole, Layers::None).await;
    let before = handle.received().len();
    let changed = connection.change_user("wrong", "q", None).await;
    assert!(matches!(changed, Err(Error::Server(_))));
    let sent = &handle.received()[before..];
    let times = |sent: &[u8]| {
        sent.windows(INIT.len())
            .filter(|w| *w == INIT.as_bytes())
            .count()
    };
    assert_eq!(times(sent), 1, "the session has begun anew");
    assert!(sent.ends_with(INIT.as_bytes()));
}

#[tokio::test]
async fn a_plugin_that_nobody_knows_closes_the_connection() {
    let (mut connection, handle, _) = connected(&config(), Cut::Whole, Layers::None).await;
    let error = connection
        .change_user("unknown", "q", None)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Auth(AuthError::UnknownPlugin { .. })
    ));
    assert_eq!(connection.close_reason(), Some(CloseReason::LoginFailed));
    assert!(handle.client_is_gone());
}

#[tokio::test]
async fn a_file_asked_for_in_a_change_of_user_is_a_broken_protocol() {
    let config = config().to_builder().local_infile(true).build().unwrap();
    let (mut connection, handle, _) = connected(&config, Cut::Whole, Layers::None).await;
    let before = handle.received().len();
    let error = connection
        .change_user("hostile", "q", None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidPacket(_)), "{error}");
    let command = &handle.received()[before..];
    assert_eq!(
        command.len() - 4,
        usize::from(command[0]),
        "nothing was answered"
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_sent_leaves_the_connection_as_it_is() {
    let (mut connection, handle, _) = connected(&config(), Cut::Whole, Layers::None).await;
    let before = handle.received();
    let error = connection.change_user("a\0b", "q", None).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    assert_eq!(handle.received(), before);
    next_query_is_whole(&mut connection).await;
}

/// Drops the future of a change to `user` at every poll, and checks what follows.
async fn leaves_the_next_query_whole(user: &str, cut: Cut, layers: Layers) -> usize {
    at_every_poll(async |polls| {
        let (mut connection, _, heard) = connected(&config(), cut.clone(), layers).await;
        let change = poll_times(connection.change_user(user, "q", Some("reports")), polls).await;
        next_query_is_whole(&mut connection).await;
        let is_changed = !heard.take().is_empty() && user != "wrong";
        let expected = if is_changed { user } else { "first" };
        assert_eq!(connection.config().user(), expected, "after {polls} polls");
        let schema = if is_changed { "reports" } else { "shop" };
        assert_eq!(connection.session_state().schema(), Some(schema));
        match change {
            None => false,
            Some(Ok(())) => is_changed,
            Some(Err(Error::Server(error))) => error.code() == 1045 && user == "wrong",
            Some(Err(error)) => panic!("{error}"),
        }
    })
    .await
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_change_user() {
    for user in ["reader", "wrong"] {
        for layers in Layers::ALL {
            for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
                let polls = leaves_the_next_query_whole(user, cut.clone(), layers).await;
                if matches!(cut, Cut::Every(1)) {
                    assert!(polls > 100, "only {polls} polls: the future was not cut");
                }
            }
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_of_a_key_that_takes_long() {
    leaves_the_next_query_whole("parsec", Cut::Every(20), Layers::None).await;
    leaves_the_next_query_whole("slow parsec", Cut::Whole, Layers::Compression).await;
}

/// A plugin that asks a person for a code and sends the answer.
#[derive(Debug)]
struct Asks;

impl AuthPluginFactory for Asks {
    fn name(&self) -> &'static str {
        "asks"
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn start(&self, _: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Self)
    }
}

impl AuthPlugin for Asks {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        _: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        Ok(AuthStep::Prompt(Prompt::new(
            String::from_utf8_lossy(data),
            true,
        )))
    }

    fn answer(
        &mut self,
        answer: &Password,
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        out.bytes(answer.as_bytes());
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

fn asking() -> otaria::ConfigBuilder {
    config().to_builder().auth_plugin(Arc::new(Asks))
}

#[tokio::test]
async fn a_question_of_the_server_is_answered_by_the_configured_handler() {
    let config = asking().prompt_handler(|prompt: Prompt| async move {
        Ok::<_, std::io::Error>(Password::from(format!("re: {}", prompt.message())))
    });
    let config = config.build().unwrap();
    let (mut connection, _, heard) = connected(&config, Cut::Every(3), Layers::Compression).await;
    connection.change_user("asked", "q", None).await.unwrap();
    assert_eq!(heard.take(), [b"re: data"]);
    assert_eq!(connection.config().user(), "asked");
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_closes_the_connection() {
    let (mut connection, handle, _) =
        connected(&asking().build().unwrap(), Cut::Whole, Layers::None).await;
    let error = connection
        .change_user("asked", "q", None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Prompt { source: None }), "{error}");
    assert_eq!(connection.close_reason(), Some(CloseReason::LoginFailed));
    assert!(handle.client_is_gone());

    let config = asking().prompt_handler(async |_: Prompt| {
        std::future::pending::<Result<Password, std::io::Error>>().await
    });
    let config = config.build().unwrap();
    let (mut connection, handle, _) = connected(&config, Cut::Whole, Layers::None).await;
    let change = connection.change_user("asked", "q", None);
    assert!(poll_times(change, 1).await.is_none());
    let error = connection.simple_execute(QUERY).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Closed {
            reason: CloseReason::AbandonedResponse
        }
    ));
    assert!(handle.client_is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_in_the_dialogue_is_not_waited_for_for_ever() {
    let config = config().to_builder().io_timeout(Duration::from_secs(2));
    let config = config.build().unwrap();
    let (mut connection, _, _) = connected(&config, Cut::Whole, Layers::None).await;
    let error = connection
        .change_user("silent", "q", None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
}
