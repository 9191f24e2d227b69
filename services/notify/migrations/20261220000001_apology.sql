-- Who was cut off without right gets an apology.

alter table message
    drop constraint message_purpose_word,
    add constraint message_purpose_word check (purpose in ('accepted', 'crew_en_route', 'etr', 'restored', 'code',
        'outage_notice', 'outage_reminder', 'outage_changed', 'outage_late_start', 'outage_extended',
        'outage_cancelled', 'outage_void', 'outage_released', 'outage_safety',
        'outage_reliability', 'outage_reliability_over', 'outage_fault',
        'arrears_reminder', 'arrears_disconnection', 'arrears_pre_notice', 'arrears_disconnected',
        'arrears_payment_received', 'arrears_reconnected', 'arrears_withdrawn', 'arrears_apology', 'wrong_person',
        'still_off', 'still_off_answer')) not valid;
alter table message validate constraint message_purpose_word;
