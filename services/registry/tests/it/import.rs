//! Packs: whole or not at all, the same one twice, a changed one, a broken one.

use std::time::Instant;

use anyhow::Context;
use relight_grid::{
    OnBad, Pack, demo,
    pack::{Channel, Language},
};
use relight_registry::{Counts, ImportError, TOLD_MAX, import};

use crate::{given, then};

#[tokio::test]
async fn the_same_pack_twice_changes_nothing() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let first = registry.import(given::small_pack()).await?;
    assert!(first.new_version);
    assert_eq!(
        first.customers,
        Counts {
            added: 5,
            changed: 0,
            unchanged: 0
        }
    );
    assert_eq!(first.contacts.rows.added, 5);
    assert_eq!(first.customers_told, 5);
    let told = then::told(&registry.db).await?;
    assert_eq!(told.iter().filter(|kind| *kind == "grid.versioned").count(), 1);

    let again = registry.import(given::small_pack()).await?;
    assert_eq!(again.grid_version, first.grid_version);
    assert!(!again.new_version);
    let unchanged = Counts {
        added: 0,
        changed: 0,
        unchanged: 5,
    };
    assert_eq!(
        (again.customers, again.service_points.rows, again.contacts.rows),
        (unchanged, unchanged, unchanged)
    );
    assert_eq!(
        (
            again.service_points.retired,
            again.contacts.removed,
            again.customers_told
        ),
        (0, 0, 0)
    );
    assert_eq!(then::told(&registry.db).await?, told);
    assert_eq!(
        then::count(&registry.db, "select max(version) from registry.customer").await?,
        1
    );
    assert_eq!(then::audited(&registry.db, "import").await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_changed_pack_changes_what_differs_and_tells_of_it() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    sqlx::query("delete from outbox")
        .execute(registry.db.pool())
        .await?;
    let mut pack = given::small_pack();
    pack.customers[0].name = "李薇".to_owned();
    // p3 changes hands from; p5 is gone; A-4 has another number.
    pack.service_points[2].account = "A-2".to_owned();
    pack.service_points.pop();
    pack.contacts[4] = given::contact("A-4", Channel::Sms, "+447700900004", Language::En);

    let report = registry.import(pack).await?;
    assert!(report.new_version, "a load is gone, so the network is another");
    assert_eq!(
        report.customers,
        Counts {
            added: 0,
            changed: 1,
            unchanged: 4
        }
    );
    assert_eq!(
        report.service_points.rows,
        Counts {
            added: 0,
            changed: 1,
            unchanged: 3
        }
    );
    assert_eq!(report.service_points.retired, 1);
    assert_eq!((report.contacts.rows.added, report.contacts.removed), (1, 1));
    let old = "select count(*) from registry.customer where version < 2";
    assert_eq!(
        then::count(&registry.db, old).await?,
        0,
        "whoever is told of has a higher version"
    );
    assert_eq!(
        then::accounts_told(&registry.db).await?,
        ["A-1", "A-2", "A-3", "A-4", "A-5"]
    );
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.service_point").await?,
        5
    );
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.contact").await?,
        5
    );
    Ok(())
}

/// A re-import of the network alone must not leave everybody without a contact.
#[tokio::test]
async fn a_pack_without_any_contact_leaves_the_contacts_alone() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let report = registry
        .import(Pack {
            contacts: Vec::new(),
            ..given::small_pack()
        })
        .await?;
    assert_eq!(report.contacts.removed, 0);
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.contact").await?,
        5
    );
    Ok(())
}

fn broken_pack() -> Pack {
    let mut pack = given::small_pack();
    pack.customers[0].name = String::new();
    pack.customers.push(given::account("a-2", "Twin", Language::En));
    pack.service_points[1].zone = "Mars/Olympus".to_owned();
    pack.service_points[2].org_path = "Demo//City".to_owned();
    pack.contacts
        .push(given::contact("A-5", Channel::Sms, "12345", Language::En));
    pack.contacts.push(given::contact(
        "A-9",
        Channel::Email,
        "x@example.org",
        Language::En,
    ));
    pack
}

#[tokio::test]
async fn bad_rows_are_all_named_and_nothing_is_stored() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let refused = import(
        &registry.db,
        &registry.secrets,
        broken_pack(),
        &given::options(OnBad::Refuse),
    )
    .await;
    let Err(ImportError::Bad(faults)) = refused else {
        anyhow::bail!("must be refused: {refused:?}")
    };
    let text = faults.to_string();
    // A-1 has no name, so its service point and its two contacts have no customer either.
    for part in [
        "the name of account A-1",
        "account a-2 is there twice",
        "service point p1 names an account",
        "p2 must have an IANA time zone",
        "p3 must have an org path",
        "account A-1 is not",
        "a contact of account A-5",
        "account A-9 is not",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("12345"), "the value is personal");
    for table in ["customer", "service_point", "contact", "grid_version"] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from registry.{table}"
        )))
        .fetch_one(registry.db.pool())
        .await?;
        assert_eq!(rows, 0, "{table}");
    }
    assert!(then::told(&registry.db).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn bad_rows_are_left_out_when_asked() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let options = given::options(OnBad::Skip);
    let report = import(&registry.db, &registry.secrets, broken_pack(), &options).await?;
    assert_eq!(report.customers.added, 4);
    assert_eq!(report.service_points.rows.added, 2);
    assert_eq!(report.contacts.rows.added, 3);
    assert_eq!(report.skipped.len(), 9, "{report}");
    Ok(())
}

#[tokio::test]
async fn a_broken_network_is_never_taken() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let mut pack = given::small_pack();
    pack.network.devices[0].ends[1].bus = "NOWHERE".to_owned();
    let refused = import(
        &registry.db,
        &registry.secrets,
        pack,
        &given::options(OnBad::Skip),
    )
    .await;
    assert!(matches!(refused, Err(ImportError::Bad(_))), "{refused:?}");
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.customer").await?,
        0
    );
    Ok(())
}

#[tokio::test]
async fn doubtful_rows_are_reported() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let findings = registry.import(given::small_pack()).await?.findings;
    assert_eq!(findings.without_supply.first, ["p5"]);
    assert_eq!(findings.without_transformer.first, ["p4"]);
    assert_eq!(findings.partly_supplied.count, 0);
    assert_eq!(findings.islands.first, ["X"]);
    assert_eq!(findings.closing_loops.count, 0);
    assert_eq!(findings.without_position.count, 0);

    let mut pack = given::small_pack();
    pack.network.buses.iter_mut().for_each(|bus| bus.position = None);
    let tie = pack.network.devices.iter_mut().find(|device| device.id == "TIE");
    tie.context("the tie")?.open = false;
    let report = registry.import(pack).await?;
    assert_eq!(report.findings.closing_loops.first, ["TIE"]);
    assert_eq!(report.findings.without_position.count, 7);
    let told = report.to_string();
    for line in [
        "1 islands that no source reaches, around: X",
        "1 devices that close a loop or a parallel path in the normal state: TIE",
        "7 devices without a position: ",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    Ok(())
}

/// No contact value lies anywhere in clear: not in its table, not in the outbox, not in the audit.
#[tokio::test]
async fn contact_values_are_nowhere_in_clear() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    for text in ["9900000001", "li.wei"] {
        for query in [
            "select count(*) from registry.contact where position($1::bytea in sealed) > 0 or position($1::bytea in hmac) > 0",
            "select count(*) from outbox where position($1::bytea in data) > 0",
            "select count(*) from audit where position($1::bytea in convert_to(detail::text || subject, 'UTF8')) > 0",
        ] {
            let found: i64 = sqlx::query_scalar(query)
                .bind(text.as_bytes())
                .fetch_one(registry.db.pool())
                .await?;
            assert_eq!(found, 0, "{query}");
        }
    }
    assert_eq!(
        then::count(
            &registry.db,
            "select count(distinct sealed) from registry.contact"
        )
        .await?,
        5
    );
    Ok(())
}

#[tokio::test]
async fn a_town_is_imported_and_nobody_is_told_one_by_one() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let pack = demo::town(7);
    let customers = pack.customers.len();
    let began = Instant::now();
    let report = registry.import(pack).await?;
    println!(
        "imported {customers} customers in {:?}\n{report}",
        began.elapsed()
    );
    assert!(customers >= TOLD_MAX);
    assert_eq!(report.customers.added, customers);
    assert_eq!(report.findings.without_supply.count, 0);
    assert_eq!(then::told(&registry.db).await?, ["grid.versioned"]);
    Ok(())
}

/// Who keeps copies of customers hears that there is something to read, also when the network stays as it is.
#[tokio::test]
async fn a_change_of_very_many_customers_is_told_as_one() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let mut pack = demo::town(7);
    registry.import(pack.clone()).await?;
    registry.import(pack.clone()).await?;
    assert_eq!(
        then::told(&registry.db).await?,
        ["grid.versioned"],
        "nothing changed"
    );
    for customer in pack.customers.iter_mut().take(TOLD_MAX) {
        customer.name.push_str(" II");
    }
    let report = registry.import(pack.clone()).await?;
    assert!(!report.new_version);
    assert_eq!((report.customers.changed, report.customers_told), (TOLD_MAX, 0));
    assert_eq!(
        then::told(&registry.db).await?,
        ["grid.versioned", "customers.changed"]
    );
    // Points of customers who were there, with a network that is new.
    let left = pack.service_points.len() - TOLD_MAX;
    pack.service_points.truncate(left);
    registry.import(pack).await?;
    let told = then::told(&registry.db).await?;
    assert_eq!(told[2..], ["grid.versioned", "customers.changed"]);
    Ok(())
}

/// Two people import at once: one after the other, and the second finds nothing to do.
#[tokio::test]
async fn two_imports_at_once_make_one_version() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let (one, two) = tokio::join!(
        registry.import(given::small_pack()),
        registry.import(given::small_pack())
    );
    let (one, two) = (one?, two?);
    assert_eq!(one.grid_version, two.grid_version);
    assert!(one.new_version != two.new_version);
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.grid_version").await?,
        1
    );
    Ok(())
}

/// Two different networks at once: one of them is the current one, and only its service points are in the network.
#[tokio::test]
async fn two_different_imports_at_once_do_not_mix() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let mut other = given::small_pack();
    other
        .customers
        .iter_mut()
        .for_each(|row| row.account.insert(0, 'B'));
    other
        .contacts
        .iter_mut()
        .for_each(|row| row.account.insert(0, 'B'));
    for point in &mut other.service_points {
        point.account.insert(0, 'B');
        point.id.insert(0, 'b');
    }
    let mut gate = registry.db.begin().await?;
    sqlx::query("lock table registry.customer in share mode")
        .execute(&mut *gate)
        .await?;
    let open = async {
        // Both stand before their first write: let them run.
        then::waiting(&registry.db, 2).await?;
        anyhow::Ok(gate.rollback().await?)
    };
    let (one, two, opened) = tokio::join!(registry.import(given::small_pack()), registry.import(other), open);
    opened?;
    assert!(one?.new_version && two?.new_version);
    let kinds: Vec<bool> = sqlx::query_scalar(
        "select distinct external_id like 'b%' from registry.service_point where retired_at is null",
    )
    .fetch_all(registry.db.pool())
    .await?;
    assert_eq!(kinds.len(), 1, "service points of both networks are in use");
    Ok(())
}
