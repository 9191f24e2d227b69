//! Whatever is sent, the answer is a refusal that names the field: never our fault, never a panic.

use relight_common::{Claims, Role, error::FIELD_KEY};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{
        ContactsRequest, CreateAffectedSetRequest, GetAffectedSetRequest, GetCustomerRequest,
        GetServicePointRequest, GridSnapshotRequest, ListDevicesRequest, ListServicePointsRequest,
        MatchContactRequest, MembersRequest, SearchCustomersRequest, get_customer_request,
        get_service_point_request, registry_server::Registry as _,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::given;

fn check(result: Result<(), Status>, field: &str, what: &str) {
    let status = result.expect_err(what);
    assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
    let named = status
        .metadata()
        .get(FIELD_KEY)
        .and_then(|value| value.to_str().ok());
    assert_eq!(named, Some(field), "{what}: {status:?}");
}

/// `bad!(registry, claims, call { Message }, field)`: the call is refused for the field.
macro_rules! bad {
    ($registry:expr, $claims:expr, $call:ident, $($message:expr => $field:literal),+ $(,)?) => {
        $({
            let message = $message;
            let what = format!("{} {message:?}", stringify!($call)).chars().take(200).collect::<String>();
            let reply = $registry.api.$call(given::from($claims, message)).await;
            check(reply.map(drop), $field, &what);
        })+
    };
}

fn page(cursor: &str) -> Option<PageRequest> {
    Some(PageRequest {
        cursor: cursor.to_owned(),
        size: u32::MAX,
    })
}

#[tokio::test]
async fn customers_are_asked_for_in_words_that_can_be_read() -> anyhow::Result<()> {
    use get_customer_request::By;
    let registry = given::with(given::small_pack()).await?;
    let agent = &given::person(Role::Agent, "");
    let by = |by| GetCustomerRequest { by: Some(by) };
    bad!(registry, agent, get_customer,
        GetCustomerRequest { by: None } => "by",
        by(By::CustomerId("42".to_owned())) => "customer_id",
        by(By::Account(String::new())) => "account",
        by(By::Account("x".repeat(65))) => "account",
        by(By::Account("a\0b".to_owned())) => "account",
        by(By::Contact("hello".to_owned())) => "contact",
        by(By::Contact("9".repeat(10_000))) => "contact",
        by(By::Contact(format!("{}@example.org", "x".repeat(300)))) => "contact",
    );
    let search = |text: &str, page| SearchCustomersRequest {
        text: text.to_owned(),
        page,
    };
    bad!(registry, agent, search_customers,
        search("", None) => "text",
        search(" x ", None) => "text",
        search(&"x".repeat(101), None) => "text",
        search("a\u{7}b", None) => "text",
        search("smith", page("not-a-cursor")) => "page.cursor",
    );
    Ok(())
}

#[tokio::test]
async fn services_too_are_told_what_is_wrong() -> anyhow::Result<()> {
    use get_service_point_request::By;
    let registry = given::with(given::small_pack()).await?;
    let (intake, notify, access) = (
        &Claims::service("intake"),
        &Claims::service("notify"),
        &Claims::service("access"),
    );
    let point = |by| GetServicePointRequest { by: Some(by) };
    bad!(registry, intake, get_service_point,
        GetServicePointRequest { by: None } => "by",
        point(By::ServicePointId("p1".to_owned())) => "service_point_id",
        point(By::Account("\u{202e}\n\0".to_owned())) => "account",
    );
    bad!(registry, intake, list_service_points, ListServicePointsRequest { page: page("AAAA") } => "page.cursor");
    bad!(registry, intake, grid_snapshot, GridSnapshotRequest { grid_version: "latest".to_owned() } => "grid_version");
    let ids = |ids: Vec<String>| ContactsRequest { customer_ids: ids };
    bad!(registry, notify, contacts,
        ids(vec!["A-1".to_owned()]) => "customer_ids",
        ids(vec![Uuid::nil().to_string(); 501]) => "customer_ids",
    );
    let pair = |account: &str, value: &str| MatchContactRequest {
        account: account.to_owned(),
        value: value.to_owned(),
    };
    bad!(registry, access, match_contact,
        pair("", "19900000001") => "account",
        pair("A-1", "") => "value",
        pair("A-1", "no number") => "value",
    );
    Ok(())
}

#[tokio::test]
async fn sets_and_devices_name_what_does_not_exist() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let (intake, notify) = (&Claims::service("intake"), &Claims::service("notify"));
    let own = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let ask = |devices: &[&str], within: &str, points: &[&str]| CreateAffectedSetRequest {
        device_ids: own(devices),
        within_set_id: within.to_owned(),
        service_point_external_ids: own(points),
        nobody: false,
    };
    bad!(registry, intake, create_affected_set,
        ask(&[], "", &[]) => "device_ids",
        ask(&["SW1"], "", &["p1"]) => "service_point_external_ids",
        ask(&["SW9"], "", &[]) => "device_ids",
        ask(&["SW1", " "], "", &[]) => "device_ids",
        ask(&["SW1"], "x", &[]) => "within_set_id",
        ask(&["SW1"], &Uuid::nil().to_string(), &[]) => "within_set_id",
        ask(&[], "", &["p1", "p77"]) => "service_point_external_ids",
        ask(&["SW1"; 501], "", &[]) => "device_ids",
    );
    let status = registry
        .set(&["SW22"], "", &[])
        .await
        .expect_err("no such device");
    assert!(
        status.message().contains("SW2"),
        "the nearest id helps: {}",
        status.message()
    );
    bad!(registry, intake, get_affected_set, GetAffectedSetRequest { set_id: String::new() } => "set_id");
    let members = |set: &str, after: &str| MembersRequest {
        set_id: set.to_owned(),
        after: after.to_owned(),
        limit: 0,
        ..MembersRequest::default()
    };
    bad!(registry, notify, members,
        members("x", "") => "set_id",
        members(&Uuid::nil().to_string(), "x") => "after",
    );
    let missing = registry
        .api
        .members(given::from(notify, members(&Uuid::nil().to_string(), "")))
        .await;
    assert_eq!(missing.err().map(|status| status.code()), Some(Code::NotFound));
    let dispatcher = &given::person(Role::Dispatcher, "");
    bad!(registry, dispatcher, list_devices,
        ListDevicesRequest { text: "x".repeat(101), page: None } => "text",
        ListDevicesRequest { text: String::new(), page: page("%%%") } => "page.cursor",
    );
    Ok(())
}

#[tokio::test]
async fn without_a_network_the_answer_says_what_to_do() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let status = registry
        .set(&["SW1"], "", &[])
        .await
        .expect_err("nothing imported");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("relight import"));
    Ok(())
}
