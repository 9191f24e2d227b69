-- A report that a person found to be no fault (domain.md 5.1): who, why, and whether that was taken back. What it said is left out of the
-- evidence meanwhile.
create table report_closing (
    id uuid constraint report_closing_pk primary key,
    report_id uuid not null constraint report_closing_report_fk references report (id),
    reason text not null constraint report_closing_reason_known check (
        reason in ('false_report', 'duplicate', 'customer_internal')),
    note text not null constraint report_closing_note_given check (length(note) between 1 and 500),
    duplicate_of uuid constraint report_closing_duplicate_fk references report (id),
    customer_told boolean not null,
    closed_by text not null,
    closed_at timestamptz not null,
    reopened_by text,
    reopened_at timestamptz,
    reopen_note text,
    constraint report_closing_duplicate_of check ((reason = 'duplicate') = (duplicate_of is not null)),
    constraint report_closing_of_another check (duplicate_of <> report_id),
    constraint report_closing_told check (customer_told or reason = 'false_report'),
    constraint report_closing_reopened_whole check (
        (reopened_at is null) = (reopened_by is null) and (reopened_at is null) = (reopen_note is null))
);
-- At most one stands.
create unique index report_closing_stands on report_closing (report_id) where reopened_at is null;

alter table decision drop constraint decision_what_known;
alter table decision add constraint decision_what_known check (what in ('now', 'merged', 'gone', 'overruled', 'undone', 'confirmed',
    'split', 'corrected', 'withdrawn')) not valid;
alter table decision validate constraint decision_what_known;
