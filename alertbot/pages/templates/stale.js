const p=document.getElementById("stale");const f=()=>{p.hidden=Date.now()<Date.parse(p.dataset.until)};f();setInterval(f,15e3)
