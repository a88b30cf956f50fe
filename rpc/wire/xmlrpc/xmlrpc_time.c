/*
 * Dates, read leniently in form and strictly in value: 30 February and 25 o'clock are refused.
 * Days are counted in the proleptic Gregorian calendar, without leap seconds; a second 60 is
 * the first of the next minute.
 */
#include "xmlrpc_time.h"

#include "xmlrpc_number.h"

enum { DAY = 86400 };

static const int64_t first_second = -62135596800; /* 0001-01-01T00:00:00 */
static const int64_t last_second = 253402300799;  /* 9999-12-31T23:59:59 */

/* What is left of a text, and whether all of it was understood so far. */
struct scan {
    const char *at, *end;
    bool bad;
};

static int take_digits(struct scan *scan, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++, scan->at++) {
        if (scan->at == scan->end || *scan->at < '0' || *scan->at > '9') {
            scan->bad = true;
            return 0;
        }
        value = value * 10 + (*scan->at - '0');
    }
    return value;
}

static bool take(struct scan *scan, char lower)
{
    if (scan->at == scan->end || (*scan->at | ('T' ^ 't')) != lower)
        return false;
    scan->at++;
    return true;
}

static bool take_mark(struct scan *scan, char mark)
{
    if (scan->at == scan->end || *scan->at != mark)
        return false;
    scan->at++;
    return true;
}

/* A separator that stands everywhere in this part or nowhere. */
static void expect(struct scan *scan, char mark, bool wanted)
{
    if (wanted && !take_mark(scan, mark))
        scan->bad = true;
}

struct fields {
    int year, month, day, hour, minute, second;
    uint32_t nanoseconds;
    int offset_hours, offset_minutes, offset_sign;
};

static void take_date(struct scan *scan, struct fields *fields)
{
    fields->year = take_digits(scan, 4);
    bool dashes = take_mark(scan, '-');
    fields->month = take_digits(scan, 2);
    expect(scan, '-', dashes);
    fields->day = take_digits(scan, 2);
}

static void take_fraction(struct scan *scan, struct fields *fields)
{
    if (!take_mark(scan, '.'))
        return;
    uint32_t unit = 100000000;
    const char *first = scan->at;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        fields->nanoseconds += unit * (uint32_t)(*scan->at - '0');
        unit /= 10; /* 0 from the tenth digit on: cut off */
    }
    scan->bad |= scan->at == first;
}

static void take_clock(struct scan *scan, struct fields *fields)
{
    fields->hour = take_digits(scan, 2);
    bool colons = take_mark(scan, ':');
    fields->minute = take_digits(scan, 2);
    expect(scan, ':', colons);
    fields->second = take_digits(scan, 2);
    take_fraction(scan, fields);
}

static void take_zone(struct scan *scan, struct fields *fields)
{
    if (take(scan, 'z'))
        return;
    fields->offset_sign = take_mark(scan, '+') ? 1 : take_mark(scan, '-') ? -1 : 0;
    if (fields->offset_sign == 0)
        return;
    fields->offset_hours = take_digits(scan, 2);
    if (take_mark(scan, ':') || scan->at < scan->end)
        fields->offset_minutes = take_digits(scan, 2);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool exists(const struct fields *f)
{
    return f->year >= 1 && f->month >= 1 && f->month <= 12 && f->day >= 1 &&
           f->day <= days_in_month(f->year, f->month) && f->hour <= 23 && f->minute <= 59 &&
           f->second <= 60 && f->offset_hours <= 23 && f->offset_minutes <= 59;
}

/* Days since 1970-01-01. Years are counted from March, so that 29 February ends one; 400 of
 * them have 146,097 days. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

int duet_xml_time_read(const char *text, size_t size, duet_time *time)
{
    duet_xml_trim(&text, &size);
    struct scan scan = {.at = text, .end = text + size};
    struct fields fields = {0};

    take_date(&scan, &fields);
    if (!scan.bad && take(&scan, 't') && scan.at < scan.end)
        take_clock(&scan, &fields);
    if (!scan.bad)
        take_zone(&scan, &fields);
    if (scan.bad || scan.at < scan.end)
        return DUET_FAULT_REQUEST;
    if (!exists(&fields))
        return DUET_FAULT_PARAMS;

    int offset = fields.offset_sign * (fields.offset_hours * 3600 + fields.offset_minutes * 60);
    time->seconds = days_since_1970(fields.year, fields.month, fields.day) * DAY +
                    fields.hour * 3600 + fields.minute * 60 + fields.second - offset;
    time->nanoseconds = fields.nanoseconds;
    return 0;
}

static void put_digits(char *room, int value, int count)
{
    while (count-- > 0) {
        room[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

bool duet_xml_time_write(char *room, int64_t seconds)
{
    if (seconds < first_second || seconds > last_second)
        return false;

    /* Counted from 0000-03-01: positive, and leap days end years. */
    int64_t days = (seconds - first_second) / DAY + 306;
    int clock = (int)((seconds - first_second) % DAY);
    int era = (int)(days / 146097), day_of_era = (int)(days % 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153; /* 0 is March */

    put_digits(room, era * 400 + year_of_era + (month >= 10), 4);
    put_digits(room + 4, month < 10 ? month + 3 : month - 9, 2);
    put_digits(room + 6, day_of_year - (153 * month + 2) / 5 + 1, 2);
    room[8] = 'T';
    put_digits(room + 9, clock / 3600, 2);
    room[11] = ':';
    put_digits(room + 12, clock / 60 % 60, 2);
    room[14] = ':';
    put_digits(room + 15, clock % 60, 2);
    return true;
}
