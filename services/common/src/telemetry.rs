//! One trace from the HTTP request through gRPC, outbox, stream and consumer to the provider; metrics; logs.

use std::{collections::HashMap, io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use relight_proto::events::v1::Event;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Telemetry};

/// What is traced: our own spans. Those of the transport below the exporter would feed the exporter with itself.
const TRACED: &str = "off,relight=info,relight_access=info,relight_arrears=info,relight_common=info,relight_dispatch=info,relight_gateway=info,\
    relight_insight=info,relight_intake=info,relight_mobile_api=info,relight_notify=info,relight_planner=info,\
    relight_registry=info";

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Keeps the exporter alive; call [`Guard::flush`] before the process ends.
#[derive(Debug)]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Guard {
    /// Sends what is still held.
    pub fn flush(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Starts logs (standard error), metrics and, when an OTLP endpoint is configured, traces.
///
/// # Errors
/// When the OTLP endpoint is no URL or a subscriber is already installed.
pub fn start(config: &Telemetry) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(&config.log)?;
    // Colours are for people's eyes: in a file their codes are noise.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = config
        .otlp
        .as_deref()
        .filter(|url| !url.is_empty())
        .map(tracer)
        .transpose()?;
    let traces = provider.as_ref().map(|p| {
        let layer = tracing_opentelemetry::layer().with_tracer(p.tracer("relight"));
        layer.with_filter(EnvFilter::new(TRACED))
    });
    tracing_subscriber::registry()
        .with(traces)
        .with(lines.with_filter(filter))
        .try_init()?;
    start_metrics();
    Ok(Guard { provider })
}

fn tracer(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("relight").build())
        .build())
}

/// Starts the metrics recorder of this process; later calls do nothing.
pub fn start_metrics() {
    if METRICS.get().is_none()
        && let Ok(handle) = PrometheusBuilder::new().install_recorder()
    {
        let _ = METRICS.set(handle);
    }
}

/// The metrics of this process in Prometheus text form.
pub fn render_metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// W3C trace context of the current span; empty when nothing is traced.
pub fn traceparent() -> String {
    let mut carrier = HashMap::new();
    inject(&mut carrier);
    carrier.remove("traceparent").unwrap_or_default()
}

/// Writes the current trace context into a carrier.
pub fn inject(carrier: &mut dyn Injector) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), carrier);
}

/// Makes `span` continue the trace found in the carrier.
pub fn continue_from(span: &Span, carrier: &dyn Extractor) {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    let _ = span.set_parent(context);
}

/// A span for applying an event, in the trace of the command that caused it.
pub fn consume_span(event: &Event) -> Span {
    let span = tracing::info_span!("consume", otel.name = %format!("consume {}", event.r#type), source = %event.source, seq = event.seq);
    if !event.traceparent.is_empty() {
        let carrier = HashMap::from([("traceparent".to_owned(), event.traceparent.clone())]);
        continue_from(&span, &carrier);
    }
    span
}

/// A span that continues a stored `traceparent` (messages waiting to be sent, for instance).
pub fn span_from(span: Span, traceparent: &str) -> Span {
    if !traceparent.is_empty() {
        continue_from(
            &span,
            &HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]),
        );
    }
    span
}
