//! Pages as a browser gets them, with every service away.

use axum::body::Body;

use crate::given::{self, Answer};

async fn get(path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut request = given::request("GET", path).header("accept", "text/html");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(given::send(&given::gateway().await?, request.body(Body::empty())?).await)
}

#[tokio::test]
async fn pages_that_need_no_service_are_there_in_both_languages() -> anyhow::Result<()> {
    for path in ["/", "/report", "/status", "/login"] {
        for lang in ["en", "zh-CN"] {
            let page = get(&format!("{path}?lang={lang}"), &[]).await?;
            assert_eq!(page.status, 200, "{path}");
            assert!(
                page.text.contains(&format!("<html lang=\"{lang}\"")),
                "{path} {lang}"
            );
            assert!(
                page.headers["content-security-policy"]
                    .to_str()?
                    .contains("frame-ancestors 'none'")
            );
            assert_eq!(page.headers["x-content-type-options"], "nosniff");
        }
    }
    let docs = get("/api/docs", &[]).await?;
    assert_eq!(docs.status, 200);
    assert!(
        docs.text
            .replace("&#x2f;", "/")
            .contains("POST /api/v1/orders/{id}/events")
    );
    Ok(())
}

#[tokio::test]
async fn a_person_is_told_in_words_and_a_program_by_a_problem() -> anyhow::Result<()> {
    let lost = get("/nowhere?lang=en", &[]).await?;
    assert_eq!(lost.status, 404);
    assert!(lost.text.contains("This page does not exist"), "{}", lost.text);
    let busy = get("/outages?lang=en", &[]).await?;
    assert_eq!(busy.status, 503);
    assert!(busy.text.contains("The system is busy"));
    let program = given::request("GET", "/nowhere").body(Body::empty())?;
    assert_eq!(
        given::send(&given::gateway().await?, program).await.problem()["status"],
        404
    );
    Ok(())
}

#[tokio::test]
async fn the_address_of_a_form_leads_back_to_its_page_in_the_language_asked_for() -> anyhow::Result<()> {
    for path in ["/status/code", "/status/confirm", "/status/urge"] {
        for (query, page) in [("?lang=en", "/status?lang=en"), ("", "/status")] {
            let answer = get(&format!("{path}{query}"), &[]).await?;
            let to = answer.headers["location"].to_str()?;
            assert_eq!((answer.status.as_u16(), to), (303, page), "{path}{query}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_board_is_for_people_who_signed_in() -> anyhow::Result<()> {
    let nobody = get("/board", &[]).await?;
    assert_eq!(
        (nobody.status.as_u16(), nobody.headers["location"].to_str()?),
        (303, "/login?next=/board")
    );
    // Access is away: who is signed in is not sent to sign in again.
    let unsure = get("/board", &[("cookie", "relight_session=sometoken")]).await?;
    assert_eq!(unsure.status, 503);
    Ok(())
}

/// The report's form is sent with the id it was made with, so sending it twice is one report.
#[tokio::test]
async fn a_report_that_got_no_answer_is_offered_again_with_the_same_id() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let id = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";
    let send = |fields: &str| {
        given::request("POST", "/report?lang=en")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("command_id={id}&{fields}")))
    };
    let unsure = given::send(&gateway, send("danger=no&account=1")?).await;
    assert_eq!(unsure.status, 503);
    assert!(unsure.text.contains(id), "the same id");
    let missing = given::send(&gateway, send("danger=&account=%3Cb%3E")?).await;
    assert_eq!(missing.status, 400);
    assert!(!missing.text.contains(id), "a new id");
    assert!(
        missing.text.contains("&lt;b&gt;") && !missing.text.contains("<b>"),
        "escaped"
    );
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let post = |path: &str, fields: &'static str| {
        given::request("POST", path)
            .header("cookie", "relight_visit=0193f1c2-7b1e-4c3a-9b5d-0a4f6e2d8c11")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(fields))
    };
    let login = given::send(&gateway, post("/login", "login=a&password=b&csrf=00")?).await;
    assert_eq!(login.status, 403);
    let out = given::send(&gateway, post("/log-out", "csrf=00")?).await;
    assert_eq!(out.status, 403);
    let alarm = given::send(&gateway, post("/board/acknowledge", "csrf=00&order_id=1")?).await;
    assert_eq!(alarm.status, 403);
    let alarm = given::send(&gateway, post("/board/arrears-alarm", "csrf=00&alarm_id=1")?).await;
    assert_eq!(alarm.status, 403);
    Ok(())
}

/// Forms a browser sends, with what no browser of ours would send in them.
#[tokio::test]
async fn a_form_out_of_its_bounds_is_refused_and_breaks_nothing() -> anyhow::Result<()> {
    let forms = [
        "/report",
        "/login",
        "/status/code",
        "/status/confirm",
        "/status/urge",
        "/board/acknowledge",
    ];
    let long = format!(
        "account={0}&login={0}&name={0}&phone={0}&code={0}",
        "9".repeat(3_000)
    );
    let huge = format!("note={}", "x".repeat(2 << 20));
    let bodies: [&[u8]; 6] = [
        b"",
        b"account=%ff%fe&login=%ff&code=%ff",
        b"account=\xff\xfe&login=\xff",
        b"command_id=no-id&danger=perhaps&account=1",
        long.as_bytes(),
        huge.as_bytes(),
    ];
    let gateway = given::gateway().await?;
    for path in forms {
        for body in bodies {
            let request = given::request("POST", path)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("accept", "text/html")
                .body(Body::from(body.to_vec()))?;
            let answer = given::send(&gateway, request).await;
            let begin = String::from_utf8_lossy(&body[..body.len().min(40)]);
            assert!(
                answer.status.is_client_error() || answer.status.is_redirection(),
                "{path}, {begin}: {}",
                answer.status
            );
        }
    }
    Ok(())
}
