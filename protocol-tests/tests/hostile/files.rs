//! A server asks for files, in answer to whatever the client sends.

use std::sync::{Arc, Mutex};

use otaria::{CloseReason, Connection, Error, InvalidPacket, LocalInfileError};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::Cut;
use protocol_tests::script::{Layers, Reply, Script};

use crate::calls::{At, Call, attacking_by, cause, config};
use crate::exchange::{IO_TIMEOUT, in_time};

/// A server that asks for a file, in answer to every command from the first or from the execution of
/// a statement on, and what it has heard since.
fn asking(at: At) -> (Script, Arc<Mutex<Vec<Vec<u8>>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let mut has_asked = false;
    let attack = move |payload: &[u8]| {
        if !has_asked {
            has_asked = true;
            return Reply::new().payload(b"\xfb/etc/passwd".to_vec());
        }
        listener.lock().unwrap().push(payload.to_vec());
        match payload {
            // The end of a file.
            [] => Reply::ok(),
            _ => Reply::new(),
        }
    };
    (attacking_by(at, attack).taking_any_number(), heard)
}

/// Whether these are commands that have left before the server has asked.
fn was_on_its_way(payload: &[u8]) -> bool {
    // COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_BULK_EXECUTE, and what follows a BEGIN.
    matches!(payload, [0x16 | 0x17 | 0xfa, ..] | b"\x03DO 1")
}

/// Makes each call to a server that asks for a file in answer to it. Returns the errors; nothing but
/// the end of a file was sent in any.
async fn asked(layers: Layers, at: At, local_infile: bool) -> Vec<(Call, Error)> {
    let mut failed = Vec::new();
    for call in Call::ALL {
        if (call, at) == (Call::Prepare, At::Execution) {
            continue;
        }
        let (script, heard) = asking(at);
        let builder = config().local_infile(local_infile);
        let builder = builder.compression(layers.config().compression());
        let config = builder.build().unwrap();
        let (mut connection, _) = layers.connect(script, &config, Cut::Whole).await;
        let result = in_time(2 * IO_TIMEOUT, call.run(&mut connection)).await;
        let context = format!("{call:?} at {at:?} through {layers:?}");
        let heard = heard.lock().unwrap().clone();
        let error = result.expect_err(&context);
        assert!(!chain(&error).contains("passwd"), "{context}");
        let ends_a_file = assert_closed_or_told(&connection, &context, &error);
        let mut left = heard.iter().filter(|payload| !was_on_its_way(payload));
        assert_eq!(left.next(), ends_a_file.then_some(&Vec::new()), "{context}");
        assert_eq!(left.next(), None, "{context}");
        failed.push((call, error));
    }
    failed
}

/// Whether the connection goes on, for the server was told that the file has ended.
fn assert_closed_or_told(connection: &Connection, context: &str, error: &Error) -> bool {
    let (reason, goes_on) = match cause(error) {
        Error::LocalInfile(LocalInfileError::NotAttached) => (None, true),
        Error::InvalidPacket(
            InvalidPacket::NotNegotiated { .. }
            | InvalidPacket::Unexpected { .. }
            | InvalidPacket::Header { .. },
        ) => (Some(CloseReason::InvalidPacket), false),
        // The beginning of a transaction was answered, and the statement behind it not sent.
        Error::Closed { reason } => (Some(*reason), false),
        error => panic!("{context}: {error:?}"),
    };
    assert_eq!(connection.close_reason(), reason, "{context}");
    goes_on
}

#[tokio::test(start_paused = true)]
async fn hostile_server_local_infile_to_any_call_of_a_disabled_client_is_refused() {
    for layers in Layers::ALL {
        for at in [At::Command, At::Execution] {
            for (call, error) in asked(layers, at, false).await {
                let refused = match cause(&error) {
                    Error::InvalidPacket(_) => true,
                    Error::Closed { reason } => {
                        (call, *reason) == (Call::Begin, CloseReason::InvalidPacket)
                    }
                    _ => false,
                };
                assert!(refused, "{call:?}: {error:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_server_local_infile_to_any_call_of_an_enabled_client_gets_no_content() {
    for layers in Layers::ALL {
        for at in [At::Command, At::Execution] {
            let failed = asked(layers, at, true).await;
            let mut errors = failed.iter().map(|(_, error)| cause(error));
            assert!(errors.any(|error| matches!(error, Error::LocalInfile(_))));
        }
    }
}
