//! The public pages of the built system, as a browser without JavaScript gets them.

use anyhow::Context;
use relight_tests::{PASSWORD, System};
use reqwest::{Response, header};

use crate::small;

/// Every public page with its title in both languages.
const PAGES: [(&str, &str, &str); 5] = [
    ("/", "停电报修与查询", "Power cuts: report and check"),
    ("/report", "报修", "Report a fault"),
    ("/status", "我的用电情况", "My supply"),
    ("/outages", "停电信息", "Power cuts"),
    ("/login", "工作人员登录", "Staff sign-in"),
];

async fn street() -> anyhow::Result<System> {
    let mut system = System::prepare().await?;
    let folder = system.home().join("pack");
    small::write(&folder)?;
    system
        .verb(&["import", "--pack", &folder.display().to_string()])
        .await?;
    system.start().await?;
    Ok(system)
}

#[tokio::test]
async fn public_pages_have_title_language_and_no_inline_script_in_both_languages() -> anyhow::Result<()> {
    let mut system = street().await?;
    let gateway = system.gateway()?;
    for (path, chinese, english) in PAGES {
        for (lang, title, org) in [
            ("zh-CN", chinese, "示范供电公司"),
            ("en", english, "Demo Electric"),
        ] {
            let page = reqwest::get(format!("{gateway}{path}?lang={lang}")).await?;
            good(page, lang, &format!("<title>{title} - {org}</title>"))
                .await
                .with_context(|| format!("{path} {lang}"))?;
        }
    }
    system.stop().await
}

async fn good(page: Response, lang: &str, title: &str) -> anyhow::Result<()> {
    anyhow::ensure!(page.status() == 200, "{}", page.status());
    let policy = page.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.context("a content security policy")?.to_str()?;
    anyhow::ensure!(!policy.contains("unsafe-inline"), "{policy}");
    let html = page.text().await?;
    anyhow::ensure!(html.contains(&format!("<html lang=\"{lang}\"")), "{html}");
    anyhow::ensure!(html.contains(title), "{title} is not in {html}");
    anyhow::ensure!(!html.contains(" style=") && !html.contains(" onclick="), "{html}");
    for script in html.split("<script").skip(1) {
        anyhow::ensure!(script.starts_with(" src=\""), "an inline script in {html}");
    }
    Ok(())
}

/// The form is sent twice, as by an impatient finger: both answers name one number, and the book has one line.
#[tokio::test]
async fn a_report_form_posted_twice_is_one_report() -> anyhow::Result<()> {
    let mut system = street().await?;
    let url = format!("{}/report?lang=en", system.gateway()?);
    let page = reqwest::get(&url).await?;
    let visit = visit_cookie(&page)?;
    let html = page.text().await?;
    let form = format!(
        "csrf={}&command_id={}&danger=no&account=S-1&note=dark",
        hidden(&html, "csrf")?,
        hidden(&html, "command_id")?
    );
    let first = number(post(&url, &visit, &form).await?).await?;
    let second = number(post(&url, &visit, &form).await?).await?;
    anyhow::ensure!(first == second, "{first} and {second}");
    let written: Vec<(String, String)> = sqlx::query_as("select number, account from intake.report")
        .fetch_all(&mut system.database.connect().await?)
        .await?;
    anyhow::ensure!(written == [(first, "S-1".to_owned())], "{written:?}");
    system.stop().await
}

/// Alarms climb to the duty manager, and switching has its seat in the control room: both see the whole board.
#[tokio::test]
async fn every_seat_that_alarms_climb_to_sees_the_whole_board() -> anyhow::Result<()> {
    let mut system = street().await?;
    for role in ["dispatcher", "manager", "control_room"] {
        system.account(role, role, &[]).await?;
        let board = board(&system, role).await?;
        anyhow::ensure!(board.contains("class=\"sum\""), "{role}: {board}");
        anyhow::ensure!(!board.contains("class=\"partly\""), "{role}: {board}");
    }
    system.stop().await
}

/// The board of somebody who signs in with the form.
async fn board(system: &System, login: &str) -> anyhow::Result<String> {
    let base = system.gateway()?;
    let page = reqwest::get(format!("{base}/login?lang=en")).await?;
    let visit = cookie(&page, "relight_visit=")?;
    let html = page.text().await?;
    let form = format!(
        "csrf={}&next=/board&login={login}&password={PASSWORD}",
        hidden(&html, "csrf")?
    );
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let signed_in = client
        .post(format!("{base}/login"))
        .header(header::COOKIE, &visit)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await?;
    let session = cookie(&signed_in, "relight_session=")?;
    let board = client
        .get(format!("{base}/board?lang=en"))
        .header(header::COOKIE, session)
        .send()
        .await?;
    anyhow::ensure!(board.status() == 200, "{login}: {}", board.status());
    Ok(board.text().await?)
}

async fn post(url: &str, cookie: &str, form: &str) -> anyhow::Result<Response> {
    let request = reqwest::Client::new()
        .post(url)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_owned());
    Ok(request.send().await?)
}

/// The cookie a browser would send back: without it the proof in the form is none.
fn visit_cookie(page: &Response) -> anyhow::Result<String> {
    cookie(page, "relight_visit=")
}

fn cookie(page: &Response, start: &str) -> anyhow::Result<String> {
    let cookies = page.headers().get_all(header::SET_COOKIE).iter();
    let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let mine = cookies.find(|cookie| cookie.starts_with(start));
    Ok(mine.with_context(|| format!("the cookie {start}"))?.to_owned())
}

fn hidden(html: &str, name: &str) -> anyhow::Result<String> {
    let opening = format!("name=\"{name}\" value=\"");
    let value = html
        .split(&opening)
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let value = value.filter(|value| !value.is_empty());
    Ok(value
        .with_context(|| format!("the field {name} of the form in {html}"))?
        .to_owned())
}

/// The number the answer tells the customer.
async fn number(answer: Response) -> anyhow::Result<String> {
    anyhow::ensure!(answer.status() == 200, "{}", answer.status());
    let html = answer.text().await?;
    let number = html
        .split("<strong>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let number = number.filter(|number| number.starts_with("F-"));
    Ok(number
        .with_context(|| format!("a report's number in {html}"))?
        .to_owned())
}
