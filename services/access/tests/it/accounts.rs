//! Accounts: put and listed by administrators, within their own org paths.

use relight_common::{Claims, Role};
use relight_proto::{
    access::v1::{Grant, ListAccountsRequest, Person, PutAccountRequest, access_server::Access},
    common::v1::PageRequest,
};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::given::{PASSWORD, World, account, admin, asked, field, staff, world};

fn request(login: &str, role: &str, org_path: &str) -> PutAccountRequest {
    PutAccountRequest {
        command_id: Uuid::now_v7().to_string(),
        person: Some(Person {
            login: login.to_owned(),
            display_name: "Somebody".to_owned(),
            grants: vec![Grant {
                role: role.to_owned(),
                org_path: org_path.to_owned(),
            }],
            ..Person::default()
        }),
        password: PASSWORD.to_owned(),
        disabled: false,
    }
}

async fn put(world: &World, claims: &Claims, ask: PutAccountRequest) -> Result<Person, Status> {
    world
        .api
        .put_account(asked(claims, ask))
        .await
        .map(tonic::Response::into_inner)
}

/// The same account with a new command id, changed.
fn changed(person: &Person, change: impl FnOnce(&mut PutAccountRequest)) -> PutAccountRequest {
    let mut ask = PutAccountRequest {
        command_id: Uuid::now_v7().to_string(),
        person: Some(person.clone()),
        password: String::new(),
        disabled: false,
    };
    change(&mut ask);
    ask
}

#[tokio::test]
async fn an_account_is_made_once_whatever_is_repeated() -> anyhow::Result<()> {
    let world = world().await?;
    let (boss, ask) = (admin(""), request("mei", "agent", "demo"));
    let made = put(&world, &boss, ask.clone()).await?;
    assert_eq!(put(&world, &boss, ask.clone()).await?, made);
    for other in [
        PutAccountRequest {
            password: "another password".to_owned(),
            ..ask.clone()
        },
        PutAccountRequest {
            disabled: true,
            ..ask.clone()
        },
    ] {
        let refused = put(&world, &boss, other).await.unwrap_err();
        assert_eq!(
            (refused.code(), field(&refused)),
            (Code::InvalidArgument, "command_id")
        );
    }
    let taken = put(&world, &boss, request("MEI", "agent", "demo"))
        .await
        .unwrap_err();
    assert_eq!(
        (taken.code(), field(&taken)),
        (Code::AlreadyExists, "person.login")
    );
    assert_eq!(world.log_in("mei", PASSWORD).await?.person, Some(made));
    Ok(())
}

#[tokio::test]
async fn disabling_an_account_and_a_new_password_end_its_sessions_at_once() -> anyhow::Result<()> {
    let world = world().await?;
    let boss = admin("");
    let made = put(&world, &boss, request("mei", "agent", "demo")).await?;
    let first = world.log_in("mei", PASSWORD).await?.token;
    let moved = changed(&made, |ask| {
        if let Some(person) = &mut ask.person {
            person.grants[0].org_path = "demo/city".to_owned();
        }
    });
    put(&world, &boss, moved).await?;
    assert_eq!(
        world.check(&first).await?.grants[0].org_path,
        "demo/city",
        "rights change at once"
    );
    put(
        &world,
        &boss,
        changed(&made, |ask| ask.password = "another password".to_owned()),
    )
    .await?;
    assert!(world.check(&first).await.is_err());
    assert!(world.log_in("mei", PASSWORD).await.is_err());
    let second = world.log_in("mei", "another password").await?.token;
    put(&world, &boss, changed(&made, |ask| ask.disabled = true)).await?;
    assert!(world.check(&second).await.is_err());
    assert!(world.log_in("mei", "another password").await.is_err());
    put(&world, &boss, changed(&made, |_| ())).await?;
    world.log_in("mei", "another password").await?;
    Ok(())
}

#[tokio::test]
async fn an_administrator_reaches_the_own_org_path_and_nothing_beside_or_above() -> anyhow::Result<()> {
    let world = world().await?;
    let city = admin("demo/city");
    for path in ["demo/city", "demo/city/east"] {
        put(&world, &city, request(&path.replace('/', "."), "agent", path)).await?;
    }
    for path in ["", "demo", "demo/town", "demo/cityhall"] {
        let refused = put(&world, &city, request("new", "agent", path))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{path}");
    }
    let above = put(&world, &admin(""), request("above", "admin", "demo")).await?;
    let pulled_down = changed(&above, |ask| {
        if let Some(person) = &mut ask.person {
            person.grants[0].org_path = "demo/city".to_owned();
        }
    });
    assert_eq!(
        put(&world, &city, pulled_down).await.unwrap_err().code(),
        Code::NotFound
    );
    let unknown = Person {
        person_id: Uuid::now_v7().to_string(),
        ..above
    };
    let refused = put(&world, &admin(""), changed(&unknown, |_| ()))
        .await
        .unwrap_err();
    assert_eq!(field(&refused), "password", "a new account needs one");
    Ok(())
}

/// The edge puts to an address of its own choosing: an id nobody has makes the account with that id.
#[tokio::test]
async fn an_unknown_id_makes_the_account_with_that_id() -> anyhow::Result<()> {
    let world = world().await?;
    let id = Uuid::now_v7().to_string();
    let mut ask = request("lin", "agent", "demo");
    if let Some(person) = &mut ask.person {
        person.person_id.clone_from(&id);
    }
    let boss = admin("");
    let made = put(&world, &boss, ask.clone()).await?;
    assert_eq!(made.person_id, id);
    assert_eq!(
        put(&world, &boss, ask).await?,
        made,
        "a repeat has the first answer"
    );
    assert_eq!(world.log_in("lin", PASSWORD).await?.person, Some(made));
    Ok(())
}

#[tokio::test]
async fn only_administrators_put_and_list() -> anyhow::Result<()> {
    let world = world().await?;
    for claims in [
        staff(Role::Dispatcher, ""),
        Claims::anybody(),
        Claims::service("gateway"),
    ] {
        let refused = put(&world, &claims, request("mei", "agent", ""))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let refused = world
            .api
            .list_accounts(asked(&claims, ListAccountsRequest::default()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let nobody = world
        .api
        .put_account(Request::new(request("mei", "agent", "")))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    Ok(())
}

#[tokio::test]
async fn accounts_are_listed_by_pages_within_reach() -> anyhow::Result<()> {
    let world = world().await?;
    for (login, path) in [
        ("c", "demo/city"),
        ("a", "demo/city/east"),
        ("b", "demo"),
        ("d", "demo/city"),
    ] {
        world.seed(account(login, Role::Agent, path)).await?;
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let ask = ListAccountsRequest {
            page: Some(PageRequest {
                cursor: cursor.clone(),
                size: 2,
            }),
        };
        let reply = world
            .api
            .list_accounts(asked(&admin("demo/city"), ask))
            .await?
            .into_inner();
        found.extend(reply.people.into_iter().map(|person| person.login));
        cursor = reply.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(found, ["a", "c", "d"]);
    let foreign = ListAccountsRequest {
        page: Some(PageRequest {
            cursor: "AAAA".to_owned(),
            size: 2,
        }),
    };
    let refused = world
        .api
        .list_accounts(asked(&admin(""), foreign))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), field(&refused)),
        (Code::InvalidArgument, "page.cursor")
    );
    Ok(())
}

#[tokio::test]
async fn wrong_requests_name_the_field() -> anyhow::Result<()> {
    let world = world().await?;
    let with = |change: fn(&mut PutAccountRequest, &mut Person)| {
        let mut ask = request("mei", "agent", "demo");
        let mut person = ask.person.take().unwrap_or_default();
        change(&mut ask, &mut person);
        ask.person = Some(person);
        ask
    };
    let cases = [
        (
            "person",
            PutAccountRequest {
                person: None,
                ..request("mei", "agent", "")
            },
        ),
        ("command_id", with(|ask, _| ask.command_id = String::new())),
        ("password", with(|ask, _| ask.password = String::new())),
        ("password", with(|ask, _| ask.password = "short".to_owned())),
        (
            "person.login",
            with(|_, person| person.login = "m e i".to_owned()),
        ),
        (
            "person.display_name",
            with(|_, person| person.display_name = "\u{0}".to_owned()),
        ),
        ("person.grants", with(|_, person| person.grants.clear())),
        (
            "person.grants.role",
            with(|_, person| person.grants[0].role = "service".to_owned()),
        ),
        (
            "person.grants.org_path",
            with(|_, person| person.grants[0].org_path = "/a".to_owned()),
        ),
        (
            "person.crew_id",
            with(|_, person| person.grants[0].role = "crew".to_owned()),
        ),
        (
            "person.unit_id",
            with(|_, person| person.unit_id = "7".to_owned()),
        ),
        (
            "person.customer_id",
            with(|_, person| person.customer_id = "7".to_owned()),
        ),
        (
            "person.person_id",
            with(|_, person| person.person_id = "7".to_owned()),
        ),
        ("language", with(|_, person| person.language = 9)),
    ];
    for (name, ask) in cases {
        let refused = put(&world, &admin(""), ask).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused)), (Code::InvalidArgument, name));
    }
    Ok(())
}

#[tokio::test]
async fn seeding_again_keeps_the_account_and_its_sessions() -> anyhow::Result<()> {
    let world = world().await?;
    world.seed(account("mei", Role::UnitDesk, "demo")).await?;
    let token = world.log_in("mei", PASSWORD).await?.token;
    world.seed(account("mei", Role::UnitDesk, "demo")).await?;
    world.check(&token).await?;
    relight_access::put_account(
        &world.db,
        account("mei", Role::UnitDesk, "demo"),
        "new password",
        world.clock.now(),
    )
    .await?;
    assert!(world.check(&token).await.is_err());
    let people: i64 = sqlx::query_scalar("select count(*) from person")
        .fetch_one(world.db.pool())
        .await?;
    assert_eq!(people, 1);
    Ok(())
}
