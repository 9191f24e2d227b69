//! Each route of switching, ledger, signals, inference, messages and alarms: who gets in, who does not, and which field a bad request is told.
//!
//! The services behind are away, so whoever gets in is told so (503); that is how far the edge goes.

mod table;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use relight_proto::access::v1::{self as access, access_server};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Response, Status};

use crate::given::{self, Answer};
use table::{ROUTES, Route};

const ID: &str = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";
const READ: &str = "";

/// Access as the edge sees it: a token is the role it is for.
struct EveryRole;

type Reply<T> = Result<Response<T>, Status>;

fn never<T>() -> Reply<T> {
    Err(Status::unimplemented("no route here asks this"))
}

#[tonic::async_trait]
impl access_server::Access for EveryRole {
    async fn check_session(
        &self,
        request: tonic::Request<access::CheckSessionRequest>,
    ) -> Reply<access::Person> {
        let role = request.into_inner().token;
        let customer_id = if role == "customer" { ID } else { "" };
        Ok(Response::new(access::Person {
            person_id: ID.to_owned(),
            customer_id: customer_id.to_owned(),
            grants: vec![access::Grant {
                role,
                org_path: "demo".to_owned(),
            }],
            ..Default::default()
        }))
    }

    async fn log_in(&self, _: tonic::Request<access::LogInRequest>) -> Reply<access::Session> {
        never()
    }

    async fn log_out(&self, _: tonic::Request<access::LogOutRequest>) -> Reply<access::LogOutReply> {
        never()
    }

    async fn request_code(
        &self,
        _: tonic::Request<access::RequestCodeRequest>,
    ) -> Reply<access::RequestCodeReply> {
        never()
    }

    async fn confirm_code(&self, _: tonic::Request<access::ConfirmCodeRequest>) -> Reply<access::Session> {
        never()
    }

    async fn put_account(&self, _: tonic::Request<access::PutAccountRequest>) -> Reply<access::Person> {
        never()
    }

    async fn list_accounts(
        &self,
        _: tonic::Request<access::ListAccountsRequest>,
    ) -> Reply<access::ListAccountsReply> {
        never()
    }
}

async fn gateway() -> anyhow::Result<Router> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!("http://{}", listener.local_addr()?);
    let server = tonic::transport::Server::builder().add_service(access_server::AccessServer::new(EveryRole));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    given::gateway_beside(&[("access", uri)]).await
}

impl Route {
    async fn ask(&self, gateway: &Router, role: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let (method, own) = self.name.split_once(' ').expect("METHOD /path");
        let path = if path.is_empty() { own } else { path };
        let request: Request<Body> = given::request(method, &path.replace("{id}", ID))
            .header("authorization", format!("Bearer {role}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c13")
            .body(Body::from(body.to_owned()))?;
        Ok(given::send(gateway, request).await)
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_it_is_for_and_nobody_else() -> anyhow::Result<()> {
    let gateway = gateway().await?;
    for route in ROUTES {
        let denied = route.ask(&gateway, route.deny, "", route.good).await?;
        assert_eq!(
            denied.status,
            StatusCode::FORBIDDEN,
            "{} by {}: {}",
            route.name,
            route.deny,
            denied.text
        );
        let let_in = route.ask(&gateway, route.allow, "", route.good).await?;
        assert_eq!(
            let_in.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{} by {}: {}",
            route.name,
            route.allow,
            let_in.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_request_to_each_route_is_told_the_field() -> anyhow::Result<()> {
    let gateway = gateway().await?;
    for route in ROUTES.iter().filter(|route| !route.field.is_empty()) {
        let (path, body) = route.bad;
        let body = if body.is_empty() { route.good } else { body };
        let answer = route.ask(&gateway, route.allow, path, body).await?;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{}: {}",
            route.name,
            answer.text
        );
        assert!(
            answer.field().starts_with(route.field),
            "{}: {}",
            route.name,
            answer.text
        );
    }
    Ok(())
}
