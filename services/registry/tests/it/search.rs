//! Customers found by what somebody heard or typed, with mistakes, in both scripts, from an index.

use relight_common::Role;
use relight_grid::{
    Pack,
    pack::{Customer, Language, ServicePoint},
};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{SearchCustomersReply, SearchCustomersRequest, registry_server::Registry as _},
};

use sqlx::Connection as _;

use crate::given::{self, Registry};

const NAMES: [&str; 8] = [
    "王小明",
    "李伟",
    "欧阳修远",
    "赵丽颖",
    "Margaret Thatcher",
    "John Appleseed",
    "陈建国",
    "Zoë Brontë",
];
const STREETS: [(&str, &str); 5] = [
    ("杭州市西湖区文三路", "Wensan Road"),
    ("上海市浦东新区世纪大道", "Century Avenue"),
    ("广州市天河区体育西路", "Tiyu West Road"),
    ("成都市武侯区人民南路", "Renmin South Road"),
    ("北京市海淀区中关村大街", "Zhongguancun Street"),
];

fn town(customers: usize) -> Pack {
    let mut pack = given::small_pack();
    for n in 0..customers {
        let account = format!("S-{n:06}");
        let (zh, en) = STREETS[n % STREETS.len()];
        pack.service_points.push(ServicePoint {
            address_zh: format!("{zh}{n}号"),
            address_en: format!("{n} {en}"),
            ..given::point(&format!("s{n}"), "L1", "1", &account, "demo/city/east")
        });
        pack.customers.push(Customer {
            name: format!("{}{n}", NAMES[n % NAMES.len()]),
            ..given::account(&account, "x", Language::ZhCn)
        });
    }
    pack
}

async fn search(
    registry: &Registry,
    text: &str,
    page: Option<PageRequest>,
) -> anyhow::Result<SearchCustomersReply> {
    let message = SearchCustomersRequest {
        text: text.to_owned(),
        page,
    };
    let agent = given::person(Role::Agent, "demo");
    Ok(registry
        .api
        .search_customers(given::from(&agent, message))
        .await?
        .into_inner())
}

#[tokio::test]
async fn mistakes_in_both_scripts_still_find_the_right_one_first() -> anyhow::Result<()> {
    let mut pack = town(200);
    pack.service_points.push(ServicePoint {
        address_zh: "春江路８号".to_owned(),
        ..given::point("wide", "L1", "1", "wide", "demo/city/east")
    });
    pack.customers.push(given::account("wide", "x", Language::ZhCn));
    let registry = given::with(pack).await?;
    for (text, expected) in [
        ("Margret Thacher4", "S-000004"),
        ("jhon appleseed5", "S-000005"),
        ("欧阳修元2", "S-000002"),
        ("文三陆120号", "S-000120"),
        ("世纪大到121号", "S-000121"),
        ("zoe bronte7", "S-000007"),
        ("114 Zhonguancun Stret", "S-000114"),
    ] {
        let found = search(&registry, text, None).await?;
        let first = found.customers.first().map(|customer| customer.account.as_str());
        assert_eq!(first, Some(expected), "{text}");
    }
    for (text, expected) in [
        ("李伟9", "S-000009"),
        ("体育西路12号", "S-000012"),
        ("西路122", "S-000122"),
        ("西路１２２", "S-000122"),
        ("Ｊｏｈｎ　Appleseed13", "S-000013"),
        ("Ｓ－００００１４", "S-000014"),
        ("春江路8号", "wide"),
        ("春江路８号", "wide"),
        ("１９９０００００００１", "A-1"),
    ] {
        let found = search(&registry, text, None).await?;
        assert!(
            found
                .customers
                .iter()
                .any(|customer| customer.account == expected),
            "{text}"
        );
    }
    assert!(search(&registry, "qqqqqqqq", None).await?.customers.is_empty());
    Ok(())
}

#[tokio::test]
async fn likeness_pages_through_everybody_once() -> anyhow::Result<()> {
    let registry = given::with(town(60)).await?;
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = search(&registry, "wensann raod", Some(PageRequest { cursor, size: 5 })).await?;
        seen.extend(page.customers.into_iter().map(|customer| customer.account));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len());
    assert!(seen.len() >= 12, "{}", seen.len());
    Ok(())
}

/// Ten thousand customers: every way to search is answered from an index, not by reading the table.
#[tokio::test]
async fn every_way_to_search_has_its_index() -> anyhow::Result<()> {
    let registry = given::with(town(10_000)).await?;
    sqlx::query("analyze registry.customer, registry.service_point")
        .execute(&mut sqlx::PgConnection::connect_with(&registry.db.owner()).await?)
        .await?;
    for (index, query) in [
        (
            "customer_search",
            "select id from registry.customer where search_name ilike '% 欧  阳  修  远 4002%'",
        ),
        (
            "customer_search",
            "select id from registry.customer where 'thatcher 4021' operator(registry.<%) search_name",
        ),
        (
            "service_point_search",
            "select id from registry.service_point where retired_at is null and search_address ilike '%4021 renmin%'",
        ),
        (
            "service_point_place",
            "select id from registry.service_point where retired_at is null
             order by registry.on_sphere(lon, lat) operator(registry.<->) registry.on_sphere(120, 30) limit 5",
        ),
    ] {
        // Of a table as small as this the planner may well read all; it must not have to.
        let mut tx = registry.db.begin().await?;
        sqlx::query("set local enable_seqscan = off").execute(&mut *tx).await?;
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {query}")))
            .fetch_all(&mut *tx)
            .await?;
        assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
    }
    let begun = std::time::Instant::now();
    for text in ["欧阳修远4002", "Margret Thacher 4004", "人民南路4003号"] {
        assert!(
            !search(&registry, text, None).await?.customers.is_empty(),
            "{text}"
        );
    }
    println!("three searches among 10,000 customers: {:?}", begun.elapsed());
    Ok(())
}
