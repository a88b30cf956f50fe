"""Pictures in SVG, without help from others: bars and lines, on logarithmic scales."""

import html
import math

COLOURS = {"null": "#9aa0a6", "duet": "#1a73e8", "peer": "#e8a33d"}
LINES = ["#9aa0a6", "#1a73e8", "#0b8043", "#e8a33d", "#5f6368", "#a142f4"]


class Picture:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self.parts = [f'<rect width="{width}" height="{height}" fill="white"/>']

    def text(self, x, y, words, size=12, anchor="start", weight="normal", colour="#202124"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{html.escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour="#dadce0"):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}"/>')

    def bar(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
                          f'height="{height}" rx="2" fill="{colour}"/>')

    def path(self, points, colour, dashed=False):
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" '
                          f'stroke-width="2"{dash}/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')

    def save(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="sans-serif">\n'
            + "\n".join(self.parts) + "\n</svg>\n")


class Scale:
    """Maps values to places along an axis, by their logarithm or evenly. A snug one begins and
    ends with the values and has its ticks there, others go on to the next power of ten."""

    def __init__(self, values, start, end, logarithmic=True, snug=False):
        self.start, self.end = start, end
        self.measure = math.log10 if logarithmic else float
        low, high = min(values), max(values)
        if snug:
            self.values = sorted(set(values))
        else:
            exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            self.values = [10.0 ** e for e in exponents]
        self.low, self.high = self.measure(self.values[0]), self.measure(self.values[-1])
        if self.low == self.high:
            self.high += 1

    def __call__(self, value):
        share = (self.measure(value) - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share

    def ticks(self):
        return self.values


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def bars(groups, title, unit, path):
    """groups: [(heading, [(label, value, kind), ...]), ...]"""
    left, right, row, top = 290, 90, 19, 56
    rows = sum(len(items) + 2 for _, items in groups)
    picture = Picture(860, top + rows * row + 10)
    scale = Scale([v for _, items in groups for _, v, _ in items], left, picture.width - right)
    picture.text(16, 26, title, 16, weight="bold")
    for tick in scale.ticks():
        picture.line(scale(tick), top - 6, scale(tick), picture.height - 10)
        picture.text(scale(tick), top - 12, f"{tick:g} {unit}", 11, "middle", colour="#5f6368")
    y = top
    for heading, items in groups:
        picture.text(16, y + 16, heading, 13, weight="bold")
        y += 1.3 * row
        for label, value, kind in items:
            picture.text(left - 8, y + 12, label, 12, "end")
            picture.bar(left, y + 1, scale(value) - left, row - 5, COLOURS[kind])
            picture.text(scale(value) + 5, y + 12, f"{value:.3g}", 11)
            y += row
        y += 0.7 * row
    picture.save(path)


def draw_lines(picture, box, title, lines, x_unit, y_unit, log_x=True):
    """One set of axes within box = (x, y, width, height).
    lines: [(label, [(x, y), ...], colour, dashed), ...]"""
    x, y, width, height = box
    points = [point for _, line, _, _ in lines for point in line]
    across = Scale([p[0] for p in points], x + 50, x + width - 16, log_x, snug=True)
    up = Scale([p[1] for p in points], y + height - 36, y + 30)
    picture.text(x + 8, y + 14, title, 13, weight="bold")
    for tick in up.ticks():
        picture.line(x + 50, up(tick), x + width - 16, up(tick))
        picture.text(x + 45, up(tick) + 4, f"{tick:g}", 10, "end", colour="#5f6368")
    for tick in across.ticks():
        picture.line(across(tick), y + 30, across(tick), y + height - 36)
        picture.text(across(tick), y + height - 22, short(tick), 10, "middle", colour="#5f6368")
    picture.text(x + width / 2, y + height - 6, f"{x_unit}; up: {y_unit}", 11, "middle",
                 colour="#5f6368")
    for _, line, colour, dashed in lines:
        picture.path([(across(a), up(b)) for a, b in line], colour, dashed)


def legend(picture, x, y, entries):
    for label, colour, dashed in entries:
        picture.path([(x, y - 4), (x + 22, y - 4)], colour, dashed)
        picture.text(x + 28, y, label, 12)
        x += 44 + 7 * len(label)


def colour_of(name, names):
    return LINES[names.index(name) % len(LINES)]


def latency(lines, path):
    """{server: [[rate, p50, p99], ...]}"""
    names = list(lines)
    picture = Picture(860, 440)
    picture.text(16, 26, "Latency against load, 64 connections, calls at even distances", 16,
                 weight="bold")
    legend(picture, 16, 50, [(name, colour_of(name, names), False) for name in names[:4]])
    legend(picture, 16, 70, [(name, colour_of(name, names), False) for name in names[4:]]
           + [("p99", "#202124", True)])
    drawn = []
    for name, rows in lines.items():
        for column, dashed in ((1, False), (2, True)):
            drawn.append((name, [(row[0], row[column]) for row in rows],
                          colour_of(name, names), dashed))
    draw_lines(picture, (0, 80, 860, 360), "", drawn, "calls per second", "us", log_x=False)
    picture.save(path)


def growth(grown, path):
    """{what grows: {server: [[x, us], ...]}}"""
    names = list(dict.fromkeys(name for lines in grown.values() for name in lines))
    picture = Picture(860, 70 + 290 * ((len(grown) + 1) // 2))
    picture.text(16, 26, "How server CPU per call grows", 16, weight="bold")
    legend(picture, 16, 50, [(name, colour_of(name, names), False) for name in names])
    for i, (what, lines) in enumerate(grown.items()):
        box = (430 * (i % 2), 70 + 290 * (i // 2), 430, 280)
        draw_lines(picture, box, what, [(name, line, colour_of(name, names), False)
                                        for name, line in lines.items()], what, "us per call")
    picture.save(path)
