"""What the page and the recommendation say, in each language."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Which file to deploy",
        "take": "Take {file}.",
        "none": "No file can be recommended.",
        "none_is": "None was measured that loses at most {allowed:g} points.",
        "alone": "It answers in {ms:.3g} ms (the network alone).",
        "fastest": "Its network answers in {ms:.3g} ms, that of {other} in {other_ms:.3g} ms.",
        "same": "It decides as the checkpoint does.",
        "loses": "It loses at most {lost:.2g} points of any figure measured; {allowed:g} is allowed.",
        "loses_more": "{file} is faster ({ms:.3g} ms), but loses {lost:.2g} points.",
        "unknown": "{file} is faster ({ms:.3g} ms), but nobody has checked what it loses.",
        "resized": "At {size} pixels {file} would take {ms:.3g} ms and lose {lost:.2g} points: train with "
        "--img-size {size} to use that.",
        "make_it": "Make it with: {command}",
        "chart": "Accuracy and speed",
        "chart_is": "One dot for each file: the higher the more accurate, the further left the faster. The "
        "filled one is recommended.",
        "chart_x": "milliseconds for one photo, the network alone (median)",
        "top1": "right item first (top-1)",
        "auroc": "AUROC, exhibits against photos to be refused",
        "no_photos": "Without photos nobody can say how accurate each is: pass --data-root DIR.",
        "table": "All figures",
        "file": "file",
        "precision": "precision",
        "size": "pixels",
        "megabytes": "MB",
        "load": "ready after, ms",
        "network": "network, ms (p95)",
        "answer": "answer, ms (p95)",
        "throughput": "photos a second",
        "peak": "memory, MB",
        "top1_short": "top-1, % (± points)",
        "auroc_short": "AUROC, % (± points)",
        "how": "How this was measured",
        "machine": "{processor}, {cores} cores; {system}. Another machine, other figures.",
        "busy": "It was busy with other work: its speed is not to be relied on.",
        "apart": "Each file in a process of its own. Ready after: from opening the file to the first answer, its "
        "library's start included. Memory: the most that process had, answering photos one by one.",
        "answered": "An answer is a photo's file to the item, with hints; asked were {count} photos: {source}. "
        "Photos a second: a folder of them, all cores.",
        "data": "of the museum",
        "checkpoint": "that the checkpoint carries, at most 512 pixels; a phone's take longer to decode",
        "drawn": "drawn, as large as a phone's",
        "asked": "Top-1 and AUROC: {exhibits} pictures of exhibits{views} and {strays} of no exhibit. AUROC is "
        "the mean over exhibits treated as unknown, other places' exhibits, and photos of no exhibit, as far as "
        "there are any.",
        "views": ", half of them changed views,",
        "learned": "They are photos that the model learned from: they show what a file costs, not how good the "
        "model is, and favour the size it was trained for.",
    },
    "ko": {
        "title": "어느 파일을 배포할까요",
        "take": "{file} 파일을 쓰세요.",
        "none": "추천할 파일이 없습니다.",
        "none_is": "손실이 {allowed:g}점 이하인 파일이 없습니다.",
        "alone": "신경망만 보면 {ms:.3g} ms 만에 답합니다.",
        "fastest": "신경망이 {ms:.3g} ms 만에 답합니다. {other}: {other_ms:.3g} ms.",
        "same": "판정은 체크포인트와 같습니다.",
        "loses": "측정한 어느 지표도 {lost:.2g}점 넘게 떨어지지 않습니다({allowed:g}점까지 허용).",
        "loses_more": "{file}: 더 빠르지만({ms:.3g} ms) {lost:.2g}점 떨어집니다.",
        "unknown": "{file}: 더 빠르지만({ms:.3g} ms) 무엇을 잃는지 확인되지 않았습니다.",
        "resized": "{size}픽셀이면 {file}: {ms:.3g} ms, 손실 {lost:.2g}점입니다. 쓰려면 --img-size {size}로 "
        "학습하세요.",
        "make_it": "만드는 명령: {command}",
        "chart": "정확도와 속도",
        "chart_is": "점 하나가 파일 하나입니다. 위로 갈수록 정확하고 왼쪽으로 갈수록 빠릅니다. 채운 점이 추천 "
        "파일입니다.",
        "chart_x": "사진 한 장에 걸리는 시간(ms), 신경망만, 중앙값",
        "top1": "첫 번째 답이 맞은 비율(top-1)",
        "auroc": "작품과 거절할 사진을 가르는 AUROC",
        "no_photos": "사진이 없으면 얼마나 정확한지 알 수 없습니다. --data-root DIR을 주세요.",
        "table": "모든 수치",
        "file": "파일",
        "precision": "정밀도",
        "size": "픽셀",
        "megabytes": "MB",
        "load": "준비, ms",
        "network": "신경망, ms (p95)",
        "answer": "답, ms (p95)",
        "throughput": "초당 사진",
        "peak": "메모리, MB",
        "top1_short": "top-1, % (±점)",
        "auroc_short": "AUROC, % (±점)",
        "how": "측정 방법",
        "machine": "{processor}, 코어 {cores}개, {system}. 기기가 다르면 수치도 다릅니다.",
        "busy": "다른 작업으로 바쁠 때 측정했으므로 속도는 믿을 수 없습니다.",
        "apart": "파일마다 따로 띄운 프로세스에서 측정했습니다. 준비는 파일을 열고 첫 답을 할 수 있을 때까지이며 "
        "라이브러리를 불러오는 시간을 포함합니다. 메모리는 사진을 한 장씩 답할 때 그 프로세스가 가장 많이 쓴 "
        "양입니다.",
        "answered": "답은 사진 파일에서 작품 이름과 힌트까지입니다. 사진 {count}장으로 물었습니다: {source}. 초당 "
        "사진은 폴더 하나를 모든 코어로 답한 값입니다.",
        "data": "박물관의 사진",
        "checkpoint": "체크포인트에 든 512픽셀 이하 사진. 휴대전화 원본은 여는 데 더 걸립니다",
        "drawn": "휴대전화 사진 크기로 그린 것",
        "asked": "top-1과 AUROC: 작품 사진 {exhibits}장{views}과 작품이 아닌 사진 {strays}장. AUROC는 모르는 작품으로 "
        "가정한 사진, 다른 장소의 작품, 작품이 아닌 사진 가운데 있는 것의 평균입니다.",
        "views": "(절반은 변형한 것)",
        "learned": "모델이 학습한 사진입니다. 파일마다 무엇을 잃는지 보여 줄 뿐 모델이 얼마나 좋은지는 말해 주지 "
        "않으며, 학습한 크기에 유리합니다.",
    },
}
