//! gRPC behind the edges, between processes: every method of every service with random bytes and with messages of
//! random fields, from callers of every kind. Each gets an answer that says what is wrong; nothing panics, nothing is
//! "internal", and afterwards the services work as before.

mod draw;
mod raw;

use std::{net::TcpListener, path::Path};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use relight_common::{
    Claims, Grant, Role,
    config::Grpc,
    grpc::Peers,
    secrets::{SERVICES, Secrets},
};
use relight_proto::intake::v1::{AcceptReportRequest, intake_client::IntakeClient};
use relight_tests::{System, process::Process};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{bad_input::is_alarming, small};

const SEED: u64 = 0x5eed;
/// Calls per method.
const CALLS: usize = 200;
/// Where each call costs a password hash or waits on purpose.
const SLOW_CALLS: usize = 30;
const SLOW: [&str; 4] = ["LogIn", "PutAccount", "RequestCode", "ConfirmCode"];
/// Methods that rightly say "not yet, ask again": the event the asker knows of has not been read here.
const NOT_YET: [&str; 2] = ["Members", "StepMembers"];

/// One call that went wrong, or none.
type Fault = Option<String>;

#[tokio::test]
async fn no_message_breaks_a_service() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.set("TELEMETRY__FORMAT", "json");
    let folder = system.home().join("pack");
    small::write(&folder)?;
    system
        .verb(&["import", "--pack", &folder.display().to_string()])
        .await?;
    let peers = reserve(&mut system)?;
    let process = Process::serve(&system.environment, &SERVICES.join(","), &system.log()).await?;

    let wire = draw::Wire::new()?;
    let mut faults = Vec::new();
    for method in wire.methods() {
        faults.extend(tried(&wire, &peers, method).await?);
    }
    anyhow::ensure!(
        faults.is_empty(),
        "{} answers are not as they should be:\n{}",
        faults.len(),
        faults[..faults.len().min(30)].join("\n")
    );
    still_works(&peers).await?;
    process.stop().await?;
    quiet(&system.log())
}

/// Gives every service a port of its own, and says where they are.
pub fn reserve(system: &mut System) -> anyhow::Result<Peers> {
    let mut config = Grpc {
        tls: true,
        listen: [].into(),
        peers: [].into(),
    };
    // Held until all are known, so that no two are the same.
    let mut held = Vec::new();
    for service in SERVICES {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, name) = (listener.local_addr()?, service.to_uppercase());
        system.set(&format!("GRPC__LISTEN__{name}"), address);
        system.set(&format!("GRPC__PEERS__{name}"), format!("https://{address}"));
        config
            .peers
            .insert(service.to_owned(), format!("https://{address}"));
        held.push(listener);
    }
    let secrets = Secrets::load(&system.home().join("secrets"))?;
    Peers::new(&config, &secrets, "gateway")
}

/// Callers of every kind, so that each method is reached by somebody it answers.
fn callers() -> Vec<Claims> {
    let roles = [
        Role::Admin,
        Role::Dispatcher,
        Role::Agent,
        Role::UnitDesk,
        Role::Crew,
        Role::Planner,
        Role::Manager,
        Role::ControlRoom,
        Role::Scada,
    ];
    let grants = roles.map(|role| Grant {
        role,
        org_path: String::new(),
    });
    let mut staff = Claims::of(Uuid::now_v7().to_string(), grants.to_vec());
    (staff.crew_id, staff.unit_id) = (Some(Uuid::now_v7()), Some(Uuid::now_v7()));
    let grant = Grant {
        role: Role::Customer,
        org_path: String::new(),
    };
    let mut customer = Claims::of(Uuid::now_v7().to_string(), vec![grant]);
    customer.customer_id = Some(Uuid::now_v7());
    let services = SERVICES
        .iter()
        .chain(&["gateway"])
        .map(|name| Claims::service(name));
    services
        .chain([staff.clone(), staff, customer, Claims::anybody()])
        .collect()
}

async fn tried(wire: &draw::Wire, peers: &Peers, method: &draw::Method) -> anyhow::Result<Vec<String>> {
    let mut random = StdRng::seed_from_u64(SEED ^ method.path.len() as u64);
    let callers = callers();
    let count = if SLOW.contains(&method.name.as_str()) {
        SLOW_CALLS
    } else {
        CALLS
    };
    let calls: Vec<(Vec<u8>, &Claims)> = (0..count)
        .map(|_| {
            let message = match random.random_range(0..4) {
                0 => (0..random.random_range(0..200))
                    .map(|_| random.random())
                    .collect(),
                1 => wire.broken(&method.input, &mut random),
                _ => wire.message(&method.input, &mut random),
            };
            (message, callers.choose(&mut random).expect("there are some"))
        })
        .collect();
    let tries = stream::iter(calls).map(|(message, claims)| async move {
        let answer = raw::call(peers, method, message.clone(), claims).await;
        fault(method, &answer)
            .map(|fault| format!("{} as {}: {fault}\n    {message:02x?}", method.path, claims.actor))
    });
    let faults: Vec<Fault> = tries.buffer_unordered(4).collect().await;
    Ok(faults.into_iter().flatten().collect())
}

/// What is wrong with an answer.
fn fault(method: &draw::Method, answer: &Result<Vec<u8>, Status>) -> Fault {
    let Err(status) = answer else {
        return None;
    };
    let is_expected = match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::ResourceExhausted => !status.message().is_empty(),
        // Bytes that are no message reach no handler; the library calls them internal.
        Code::Internal => status.message().contains("failed to decode Protobuf message"),
        Code::Unavailable => NOT_YET.contains(&method.name.as_str()),
        _ => false,
    };
    (!is_expected).then(|| format!("{:?}: {}", status.code(), status.message()))
}

async fn still_works(peers: &Peers) -> anyhow::Result<()> {
    let report = AcceptReportRequest {
        command_id: Uuid::now_v7().to_string(),
        account: "S-1".to_owned(),
        channel: "web".to_owned(),
        ..AcceptReportRequest::default()
    };
    let request = peers.request(report, &Claims::anybody());
    let reply = IntakeClient::new(peers.to("intake")).accept_report(request).await;
    let report = reply.context("a good report after all that")?.into_inner();
    anyhow::ensure!(!report.number.is_empty(), "{report:?}");
    Ok(())
}

/// The log has no panic, and no error but those of methods that say "not yet".
fn quiet(log: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(log)?;
    let is_not_yet = |line: &&str| line.contains("is still on its way");
    let bad = text.lines().filter(|line| is_alarming(line) && !is_not_yet(line));
    let bad: Vec<&str> = bad.take(10).collect();
    anyhow::ensure!(bad.is_empty(), "the log has:\n{}", bad.join("\n"));
    Ok(())
}
